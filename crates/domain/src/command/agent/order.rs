//! The order of one agent's requests: in step, gone back to an older state, replayed, or another copy's.
//!
//! Every request names the last answer that the agent holds. What the manager said last is the head of the
//! conversation; an agent that lost that answer names the one before and lists the lost request as unanswered.
//! Whoever names anything else holds an older state. Once: a restored snapshot. But after the manager went along
//! with it, the state that it left behind can be held only by a second copy (behaviour.md, "Registration,
//! deregistration, duplicates, clones"; decision 0003).

use seatpool_proto::Request;

use crate::instance::Conversation;

/// Where a request that can be taken stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It follows the last answer, or the one before where the last was lost.
    InStep,
    /// It follows an older answer.
    Rewound,
}

/// Why a request can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutOfOrder {
    /// It was overtaken by one that was applied.
    Replayed,
    /// It follows a state that a rewind left behind.
    Forked,
}

/// Finds a request's place in the conversation.
pub(super) fn place(conversation: &Conversation, request: &Request) -> Result<Place, OutOfOrder> {
    let is_later = conversation.last_sent_at.is_none_or(|last| request.sent_at > last);
    if request.sequence <= conversation.sequence && !is_later {
        return Err(OutOfOrder::Replayed);
    }
    let held = request.last_answer;
    let lost_the_last = conversation.last_request.is_some_and(|last| request.unanswered.contains(&last));
    let follows_the_last = held.is_some() && held == conversation.head;
    let follows_the_one_before = held.is_some() && held == conversation.previous && lost_the_last;
    if follows_the_last || follows_the_one_before {
        Ok(Place::InStep)
    } else if held.is_some_and(|held| conversation.abandoned.contains(&held)) {
        Err(OutOfOrder::Forked)
    } else {
        Ok(Place::Rewound)
    }
}

#[cfg(test)]
mod tests {
    use seatpool_proto::{Nonce, RequestBody, RequestId, Sha256, Udi};
    use uuid::Uuid;

    use super::*;

    fn hash(n: u8) -> Sha256 {
        Sha256([n; 32])
    }

    fn id(n: u128) -> RequestId {
        RequestId(Uuid::from_u128(n))
    }

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A conversation that has come to request 7, sent at second 70, answered with hash 7.
    fn at_seven() -> Conversation {
        Conversation {
            sequence: 7,
            last_request: Some(id(7)),
            last_sent_at: Some(at(70)),
            last_answer: Some(String::new()),
            head: Some(hash(7)),
            previous: Some(hash(6)),
            abandoned: vec![hash(40)],
            forked: vec![],
        }
    }

    #[test]
    fn every_row_of_the_order_table() {
        use OutOfOrder::{Forked, Replayed};
        use Place::{InStep, Rewound};
        /// Name, sequence, sent at, last answer held, unanswered, expected.
        type Case = (&'static str, u64, i64, Option<u8>, &'static [u128], Result<Place, OutOfOrder>);
        let cases: [Case; 11] = [
            ("next", 8, 80, Some(7), &[], Ok(InStep)),
            ("next, clock set back", 8, 60, Some(7), &[], Ok(InStep)),
            ("the last answer was lost", 8, 80, Some(6), &[7], Ok(InStep)),
            ("lost, and numbered by the agent alone", 7, 80, Some(6), &[7], Ok(InStep)),
            ("the answer before, without having sent the last request", 8, 80, Some(6), &[3], Ok(Rewound)),
            ("an older answer", 5, 80, Some(3), &[], Ok(Rewound)),
            ("an unknown answer", 8, 80, Some(99), &[7], Ok(Rewound)),
            ("no answer at all", 8, 80, None, &[], Ok(Rewound)),
            ("overtaken", 6, 60, Some(5), &[], Err(Replayed)),
            ("overtaken, in the same instant", 7, 70, Some(6), &[], Err(Replayed)),
            ("the state that a rewind left", 9, 90, Some(40), &[], Err(Forked)),
        ];
        for (name, sequence, sent, held, unanswered, expected) in cases {
            let request = Request {
                version: 1,
                request_id: id(1000),
                nonce: Nonce([0; 16]),
                sequence,
                sent_at: at(sent),
                last_answer: held.map(hash),
                unanswered: unanswered.iter().copied().map(id).collect(),
                account_id: None,
                product_instance_id: None,
                udi: Udi::new("UCCX", "1", None).unwrap(),
                body: RequestBody::AuthorizationRenewal {},
            };
            assert_eq!(place(&at_seven(), &request), expected, "{name}");
        }
    }
}

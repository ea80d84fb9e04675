//! What happens next with a product instance, as far as the manager can tell, and when.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::Policy;
use seatpool_domain::instance::EndReason;

use super::part::{Tone, When};
use crate::app::instances::{InstanceStatus, InstanceView};

/// One thing that is going to happen, or that has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) tone: Tone,
    pub(crate) text: String,
    pub(crate) when: Option<When>,
}

fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

/// What is wrong first, then what comes, in its order.
pub(crate) fn what_next(instance: &InstanceView, policy: &Policy, now: Timestamp) -> Vec<Step> {
    let step = |tone, text: String, when: Option<Timestamp>| Step {
        tone,
        text,
        when: when.map(|at| When::since(at, now)),
    };
    if let Some(ended) = &instance.ended {
        let how = match ended.reason {
            EndReason::Deregistered => "It deregistered",
            EndReason::Removed => "It was removed",
            EndReason::Replaced => "A later registration of the same device took its place",
        };
        let text = format!("{how}. If it contacts this manager again, it is refused and told why.");
        return vec![step(Tone::Plain, text, Some(ended.at))];
    }
    let mut steps = Vec::new();
    match instance.status {
        InstanceStatus::OutOfCompliance => {
            let short: Vec<_> = instance.usage.iter().filter(|usage| usage.short).map(|usage| usage.name.as_str()).collect();
            steps.push(step(
                Tone::Bad,
                format!(
                    "Too few of {} are owned here. Each answer says so until they are covered; what the product then restricts, and when, stands in its own status.",
                    short.join(", ")
                ),
                None,
            ));
        }
        InstanceStatus::AuthorizationExpired => steps.push(step(
            Tone::Bad,
            "Its authorization ended without contact, and its use no longer counts. The next report that arrives renews it: look at the product's latest failure reason.".into(),
            instance.authorized_until,
        )),
        InstanceStatus::RegistrationExpired => steps.push(step(
            Tone::Bad,
            "Its ID certificate ended. It has to register again, with a token of this virtual account.".into(),
            Some(instance.certificate.not_after),
        )),
        InstanceStatus::Waiting => {
            steps.push(step(Tone::Note, "It reports what it uses for the first time, within its report interval.".into(), None));
        }
        InstanceStatus::InCompliance | InstanceStatus::Ended => {}
    }
    let mut coming = Vec::new();
    if let Some(until) = instance.authorized_until.filter(|until| *until > now) {
        let renew = until - days(policy.authorization_days - policy.authorization_renew_days);
        coming.push((renew, Tone::Plain, "It renews its authorization, if no report has done so before."));
        coming.push((
            until,
            Tone::Warn,
            "Without contact until then its authorization ends, and its use no longer counts.",
        ));
    }
    if instance.certificate.not_after > now {
        let renew = instance.certificate.not_before + days(policy.id_certificate_renew_days);
        coming.push((renew, Tone::Plain, "It renews its ID certificate by itself."));
        coming.push((
            instance.certificate.not_after,
            Tone::Warn,
            "Without renewal until then its ID certificate ends, and it has to register again.",
        ));
    }
    coming.retain(|(at, _, _)| *at > now);
    coming.sort_by_key(|(at, _, _)| *at);
    steps.extend(coming.into_iter().map(|(at, tone, text)| step(tone, text.into(), Some(at))));
    steps
}

#[cfg(test)]
mod tests {
    use seatpool_domain::instance::EndReason;
    use seatpool_proto::{ProductInstanceId, Quantity, Udi, VirtualAccountId};
    use uuid::Uuid;

    use super::*;
    use crate::app::instances::{CertificateView, EndedView, UsageView};
    use crate::app::inventory::VirtualAccountRef;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn instance(status: InstanceStatus) -> InstanceView {
        InstanceView {
            id: ProductInstanceId(Uuid::nil()),
            virtual_account: VirtualAccountRef { id: VirtualAccountId(Uuid::nil()), name: "Default".into() },
            name: "host".into(),
            udi: Udi::new("UCCX", "SN1", None).unwrap(),
            host_name: None,
            product_name: "Unified CCX".into(),
            product_type: "unified-ccx".into(),
            product_version: None,
            first_registered_at: START,
            registered_at: START,
            last_contact_at: START,
            export_controlled: false,
            certificate: CertificateView {
                serial: "1".into(),
                not_before: START,
                not_after: START + days(365),
            },
            authorized_until: Some(START + days(90)),
            status,
            usage: Vec::new(),
            ended: None,
        }
    }

    /// The tones of the steps, with the day on which each comes.
    fn steps(instance: &InstanceView, day: i64) -> Vec<(Tone, Option<When>)> {
        let steps = what_next(instance, &Policy::default(), START + days(day));
        steps.into_iter().map(|step| (step.tone, step.when)).collect()
    }

    fn on(day: i64, today: i64) -> When {
        When::since(START + days(day), START + days(today))
    }

    #[test]
    fn renewals_and_ends_come_in_their_order() {
        let instance = instance(InstanceStatus::InCompliance);
        assert_eq!(
            steps(&instance, 0),
            [
                (Tone::Plain, Some(on(30, 0))),
                (Tone::Warn, Some(on(90, 0))),
                (Tone::Plain, Some(on(180, 0))),
                (Tone::Warn, Some(on(365, 0)))
            ]
        );
        assert_eq!(steps(&instance, 200), [(Tone::Warn, Some(on(365, 200)))]);
    }

    #[test]
    fn what_is_wrong_comes_first_and_names_the_license() {
        let mut instance = instance(InstanceStatus::OutOfCompliance);
        let usage = |name: &str, short| UsageView {
            tag: "T".parse().unwrap(),
            name: name.into(),
            quantity: Quantity::of(1),
            peak: Quantity::of(1),
            locked: None,
            reported_at: START,
            short,
        };
        instance.usage = vec![usage("Enough", false), usage("Scarce", true)];
        let first = what_next(&instance, &Policy::default(), START).remove(0);
        assert_eq!((first.tone, first.when), (Tone::Bad, None));
        assert!(first.text.contains("Scarce") && !first.text.contains("Enough"), "{}", first.text);
    }

    #[test]
    fn an_ended_registration_has_nothing_to_come() {
        let mut instance = instance(InstanceStatus::Ended);
        instance.ended = Some(EndedView { at: START + days(3), reason: EndReason::Removed });
        assert_eq!(steps(&instance, 4), [(Tone::Plain, Some(on(3, 4)))]);
    }

    #[test]
    fn before_the_first_report_the_certificate_alone_has_dates() {
        let mut instance = instance(InstanceStatus::Waiting);
        instance.authorized_until = None;
        let tones: Vec<_> = steps(&instance, 0).into_iter().map(|(tone, _)| tone).collect();
        assert_eq!(tones, [Tone::Note, Tone::Plain, Tone::Warn]);
    }
}

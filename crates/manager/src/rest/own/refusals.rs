//! For the document: what routes of one kind refuse alike.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

type Responses = BTreeMap<String, RefOr<Response>>;

const UNAUTHENTICATED: (u16, &str) = (401, "No valid access token");
const NOT_OPERATOR: (u16, &str) = (403, "Not a vendor operator");
const NOT_MANAGER: (u16, &str) = (403, "Does not manage every virtual account that is concerned");
const UNKNOWN: (u16, &str) = (404, "No such account, or nothing of this name in it");
const UNREADABLE: (u16, &str) = (400, "The request can't be read");
const CONFLICT: (u16, &str) = (409, "It does not fit what is there");
const INVALID: (u16, &str) = (422, "A value can't be taken");

/// Of who reads an account.
pub(crate) struct OfReader;

impl IntoResponses for OfReader {
    fn responses() -> Responses {
        problems(&[UNREADABLE, UNAUTHENTICATED, UNKNOWN])
    }
}

/// Of who changes what is in a virtual account, or asks what that would come to.
pub(crate) struct OfManager;

impl IntoResponses for OfManager {
    fn responses() -> Responses {
        problems(&[UNREADABLE, UNAUTHENTICATED, NOT_MANAGER, UNKNOWN, CONFLICT, INVALID])
    }
}

/// Of who deposits, renews and cancels, or asks what that would come to.
pub(crate) struct OfOperator;

impl IntoResponses for OfOperator {
    fn responses() -> Responses {
        problems(&[UNREADABLE, UNAUTHENTICATED, NOT_OPERATOR, UNKNOWN, CONFLICT, INVALID])
    }
}

fn problems(known: &[(u16, &str)]) -> Responses {
    let problem = |(status, description): &(u16, &str)| {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response =
            ResponseBuilder::new().description(*description).content("application/problem+json", body);
        (status.to_string(), RefOr::T(response.build()))
    };
    known.iter().map(problem).collect()
}

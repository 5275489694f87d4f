//! Sample data of the pages for programmers.

use web::page::{
    Answer, ApiDocs, Frame, Operation, OperationGroup, ProblemKind, Problems, RequestField,
    Section, WalkStep,
};

pub(crate) fn api_docs() -> ApiDocs {
    ApiDocs {
        frame: Frame::new("API", Section::Docs),
        base_url: "http://localhost:3000".into(),
        steps: vec![
            WalkStep {
                text: "Create an account.".into(),
                command: "curl -X POST http://localhost:3000/api/account \\\n  \
                          -H 'content-type: application/json' \\\n  \
                          -d '{\"email\": \"o@example.org\", \"password\": \"a few secret words\"}'"
                    .into(),
                answer: None,
            },
            WalkStep {
                text: "See what is on offer.".into(),
                command: "curl 'http://localhost:3000/api/marketplace/nodes?country=Belgium'"
                    .into(),
                answer: Some(
                    "{\"items\": [{\"id\": \"32\", \"name\": \"Canal house\"}], …}".into(),
                ),
            },
        ],
        groups: vec![
            OperationGroup {
                id: "marketplace".into(),
                title: "Marketplace".into(),
                operations: vec![search(), rent_slice()],
            },
            OperationGroup {
                id: "rentals".into(),
                title: "Rentals".into(),
                operations: vec![Operation {
                    id: "read-rental".into(),
                    method: "GET".into(),
                    path: "/api/rentals/{id}".into(),
                    summary: "Reads one of your rentals".into(),
                    access: "signed in".into(),
                    fields: vec![field("id", "path", "UUID", true, "The rental.")],
                    answers: vec![answer(200, "The rental.")],
                    problems: vec!["no-such-rental".into()],
                }],
            },
        ],
    }
}

fn search() -> Operation {
    Operation {
        id: "search-slices".into(),
        method: "GET".into(),
        path: "/api/marketplace/slices".into(),
        summary: "Searches the slices on offer".into(),
        access: "anybody".into(),
        fields: vec![
            field("country", "query", "text", false, "Only nodes in this country."),
            field(
                "max_price",
                "query",
                "decimal",
                false,
                "The most for a slice and month, in US dollars.",
            ),
            field("cursor", "query", "text", false, "`next_cursor` of the page before."),
        ],
        answers: vec![answer(200, "One page of slices."), answer(304, "Nothing has changed.")],
        problems: vec!["wrong-fields".into()],
    }
}

fn rent_slice() -> Operation {
    Operation {
        id: "rent-slice".into(),
        method: "POST".into(),
        path: "/api/marketplace/rent-slice".into(),
        summary: "Rents one slice for a term".into(),
        access: "signed in".into(),
        fields: vec![
            field("Idempotency-Key", "header", "text", true, "Sending it twice rents once."),
            field("node_id", "body", "text", true, "The node."),
            field("slice_id", "body", "text", false, "The slice; left out, any free one."),
            field("duration_months", "body", "1, 3, 6 or 12", true, "The term."),
        ],
        answers: vec![answer(201, "The slice is rented; `rental` says until when.")],
        problems: vec![
            "balance-too-low".into(),
            "offer-changed".into(),
            "slice-not-available".into(),
            "wrong-fields".into(),
        ],
    }
}

fn field(name: &str, place: &str, format: &str, is_required: bool, text: &str) -> RequestField {
    RequestField {
        name: name.into(),
        place: place.into(),
        format: format.into(),
        is_required,
        text: text.into(),
    }
}

fn answer(status: u16, text: &str) -> Answer {
    Answer { status, text: text.into() }
}

pub(crate) fn problems() -> Problems {
    let kinds = [
        (
            "balance-too-low",
            402,
            "The balance does not cover the rental",
            "Add credit, or choose a shorter term.",
        ),
        (
            "no-such-rental",
            404,
            "There is no such rental",
            "Check the id; the rentals of others do not show.",
        ),
        (
            "offer-changed",
            409,
            "The offer has changed since it was shown",
            "Read the node again and confirm the new total.",
        ),
        (
            "slice-not-available",
            409,
            "The slice is no longer available",
            "Leave `slice_id` out, or choose another node.",
        ),
        (
            "wrong-fields",
            400,
            "Some fields are wrong",
            "Each entry of `fields` names one and what it expects.",
        ),
    ];
    Problems {
        frame: Frame::new("Problems", Section::Docs),
        problems: kinds
            .map(|(kind, status, title, advice)| ProblemKind {
                kind: kind.into(),
                status,
                title: title.into(),
                advice: advice.into(),
            })
            .into(),
    }
}

//! Rents a slice with a client that `progenitor` has made: `rent URL TOKEN NODE`. Prints the
//! rental's id.

use std::env;
use std::error::Error;

use client::types::{Problem, RentBody, RentSliceSuccess};
use futures::TryStreamExt as _;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

#[allow(dead_code, unused_imports, clippy::all, reason = "what is made is not ours")]
mod client {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, token, node] = arguments.as_slice() else {
        return Err("give a URL, a token and a node".into());
    };
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}"))?);
    let http = reqwest::Client::builder().default_headers(headers).no_proxy().build()?;
    let market = client::Client::new_with_client(url, http);

    let offers = market.search_slices().limit(5).send().await?.into_inner();
    if !offers.items.iter().any(|offer| offer.node_id == *node) {
        return Err(format!("{node} has no free slice").into());
    }
    let body =
        RentBody::builder().node_id(Some(node.parse()?)).duration_months(Some(1.try_into()?));
    let rented =
        market.rent_slice().idempotency_key("made-by-progenitor").body(body).send().await?;
    let RentSliceSuccess::RentAnswer(rented) = rented.into_inner() else {
        return Err("this is a dry run".into());
    };
    let id = rented.rental.id;
    let shown = market.show_rental().rental(&id).send().await?.into_inner();
    println!("{}", shown.id);

    // What goes wrong is read as well: this key belongs to another request.
    let other =
        RentBody::builder().node_id(Some(node.parse()?)).duration_months(Some(3.try_into()?));
    let refused =
        market.rent_slice().idempotency_key("made-by-progenitor").body(other).send().await;
    match refused {
        Err(client::Error::ErrorResponse(response)) => {
            let parts: Vec<_> = response.into_inner_stream().try_collect().await?;
            let problem: Problem = serde_json::from_slice(&parts.concat())?;
            println!("{}", problem.type_);
            Ok(())
        }
        other => Err(format!("{other:?}").into()),
    }
}

//! A stream of server-sent events, read as a browser reads it.

use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::answer::Answer;
use crate::client::Begun;

/// A stream that is listened to. Dropping it hangs up.
pub struct Stream {
    begun: Begun,
    /// What has come and is no whole block yet.
    pending: String,
    /// The last event's number, as a browser would send it when it comes back.
    pub last_event_id: Option<i64>,
}

/// What a stream said.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// An event's data.
    Event(Value),
    /// A sign of life, or where to go on from.
    Sign(String),
    /// Nothing for as long as was waited.
    Nothing,
    /// The stream has ended.
    End,
}

impl Stream {
    pub(crate) fn new(begun: Begun) -> Stream {
        Stream { begun, pending: String::new(), last_event_id: None }
    }

    /// The head of the answer.
    pub fn head(&self) -> &Answer {
        &self.begun.answer
    }

    /// What it says next, if it does so in time.
    pub async fn hear(&mut self, wait: Duration) -> Heard {
        let end = tokio::time::Instant::now() + wait;
        loop {
            if let Some(block) = self.block() {
                return self.understand(&block);
            }
            match tokio::time::timeout_at(end, self.begun.body.frame()).await {
                Err(_) => return Heard::Nothing,
                Ok(None) => return Heard::End,
                Ok(Some(frame)) => {
                    let data = frame.unwrap().into_data().unwrap();
                    self.pending.push_str(std::str::from_utf8(&data).unwrap());
                }
            }
        }
    }

    /// The next event, which must come in time; signs of life are passed over.
    pub async fn event(&mut self, wait: Duration) -> Value {
        loop {
            match self.hear(wait).await {
                Heard::Event(event) => return event,
                Heard::Sign(_) => {}
                other @ (Heard::Nothing | Heard::End) => panic!("{other:?}"),
            }
        }
    }

    fn block(&mut self) -> Option<String> {
        let (block, rest) = self.pending.split_once("\n\n")?;
        let (block, rest) = (block.to_owned(), rest.to_owned());
        self.pending = rest;
        Some(block)
    }

    fn understand(&mut self, block: &str) -> Heard {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let Some(id) = field("id: ") {
            self.last_event_id = Some(id.parse().unwrap());
        }
        match field("data: ") {
            Some(data) if field("event: ").is_none() => {
                let event: Value = serde_json::from_str(data).unwrap();
                assert_eq!(event["id"].as_i64(), self.last_event_id, "{block}");
                Heard::Event(event)
            }
            Some(_) | None => Heard::Sign(block.to_owned()),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.begun.connection.abort();
    }
}

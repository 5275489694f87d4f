//! What is outside: it answers what it was told to answer, and nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;

use web::env::{Answer, Message, Outbound};

/// A network that is played.
#[derive(Default)]
pub struct Network {
    answers: RefCell<BTreeMap<String, Answer>>,
    asked: RefCell<Vec<String>>,
    posted: RefCell<Vec<Posted>>,
}

/// A message that was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Where to.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Network {
    /// From now on, `url` answers this.
    pub fn answer(&self, url: &str, status: u16, body: impl Into<Vec<u8>>) {
        let answer = Answer { status, body: body.into() };
        self.answers.borrow_mut().insert(url.to_owned(), answer);
    }

    /// From now on, nobody answers at `url`.
    pub fn silence(&self, url: &str) {
        self.answers.borrow_mut().remove(url);
    }

    /// What was asked for so far, in its order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }

    /// What was posted so far, in its order.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.borrow().clone()
    }

    fn find(&self, url: &str) -> Result<Answer, String> {
        let answers = self.answers.borrow();
        answers.get(url).cloned().ok_or_else(|| format!("nobody answers at {url}"))
    }
}

impl Outbound for Network {
    fn get(&self, url: &str) -> Result<Answer, String> {
        self.asked.borrow_mut().push(url.to_owned());
        self.find(url)
    }

    fn post(&self, message: &Message<'_>) -> Result<Answer, String> {
        let headers = message.headers.iter();
        self.posted.borrow_mut().push(Posted {
            url: message.url.to_owned(),
            headers: headers.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            body: message.body.to_owned(),
        });
        self.find(message.url)
    }

    fn post_all(&self, messages: &[Message<'_>]) -> Vec<Result<u16, String>> {
        messages.iter().map(|message| self.post(message).map(|answer| answer.status)).collect()
    }
}

//! The pages of the help.

use askama::Template;
use ui::visit::Visit;
use web::page::{Frame, Link, Section};

use crate::help::search::Found;
use crate::help::topics::{self, Fact, TOPICS, filled};

/// What `help.html` shows: every topic, and what was found.
#[derive(Clone, Debug, Template)]
#[template(path = "help/help.html")]
pub(crate) struct Help {
    /// What surrounds the page.
    pub frame: Frame,
    /// What was asked.
    pub question: String,
    /// What was found; `None` where nothing was asked.
    pub found: Option<Found>,
    /// Every topic.
    pub topics: Vec<TopicLink>,
}

/// A topic in the list.
#[derive(Clone, Debug)]
pub(crate) struct TopicLink {
    /// Where it is.
    pub url: String,
    /// Such as `Pricing`.
    pub title: &'static str,
    /// What it answers, in a sentence.
    pub lede: &'static str,
}

/// What `topic.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "help/topic.html")]
pub(crate) struct Topic {
    /// What surrounds the page.
    pub frame: Frame,
    /// Such as `Pricing`.
    pub title: &'static str,
    /// What it answers, in a sentence.
    pub lede: &'static str,
    /// Its parts.
    pub sections: Vec<TopicSection>,
}

/// A part of a topic.
#[derive(Clone, Debug)]
pub(crate) struct TopicSection {
    /// Its place on the page.
    pub id: &'static str,
    /// Such as `What you pay`.
    pub title: &'static str,
    /// Paragraphs.
    pub text: Vec<String>,
    /// Where to go on.
    pub links: Vec<Link>,
}

/// What `contact.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "help/contact.html")]
pub(crate) struct Contact {
    /// What surrounds the page.
    pub frame: Frame,
    /// Where the operator is reached; `None` where it has not said so.
    pub operator: Option<Link>,
}

impl Help {
    /// The list, with what was found for `question`.
    pub(crate) fn new(visit: &Visit<'_>, question: String, found: Option<Found>) -> Help {
        let link = |topic: &topics::Topic| TopicLink {
            url: format!("/help/{}", topic.name),
            title: topic.title,
            lede: topic.lede,
        };
        Help {
            frame: visit.frame("Help", Section::Elsewhere),
            question,
            found,
            topics: TOPICS.iter().map(link).collect(),
        }
    }
}

impl Topic {
    /// A page of the help, with what differs between marketplaces.
    pub(crate) fn new(visit: &Visit<'_>, topic: &topics::Topic, facts: &[Fact]) -> Topic {
        let section = |section: &topics::Section| TopicSection {
            id: section.id,
            title: section.title,
            text: section.text.iter().map(|text| filled(text, facts)).collect(),
            links: section.links.iter().map(|(url, text)| Link::new(*url, *text)).collect(),
        };
        Topic {
            frame: visit.frame(topic.title, Section::Elsewhere),
            title: topic.title,
            lede: topic.lede,
            sections: topic.sections.iter().map(section).collect(),
        }
    }
}

impl Contact {
    /// How the operator is reached, by the setting: an address of mail or of a page.
    pub(crate) fn new(visit: &Visit<'_>, contact: &str) -> Contact {
        let contact = contact.trim();
        let is_plain = !contact.is_empty() && contact.chars().all(|c| c.is_ascii_graphic());
        let operator = if !is_plain {
            None
        } else if contact.starts_with("https://") {
            Some(Link::new(contact, contact))
        } else if contact.contains('@') {
            Some(Link::new(format!("mailto:{contact}"), contact))
        } else {
            None
        };
        Contact { frame: visit.frame("Contact", Section::Elsewhere), operator }
    }
}

//! The search through help and documents: every word of the question begins a word of the text.

use strum::VariantArray;
use web::Kind;

use crate::help::topics::{Fact, TOPICS, filled};

/// The most characters of a question.
pub(crate) const QUERY_CHARS_MAX: usize = 100;
/// The most words of a question that are looked for.
const WORDS_MAX: usize = 8;
/// The most places that are shown.
const PLACES_MAX: usize = 12;
/// How much of a text is shown, in characters.
const SHOWN_CHARS: usize = 160;

/// A place that answers a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it is.
    pub url: String,
    /// Such as `Refunds`.
    pub title: String,
    /// The page that it is on, such as `Pricing`.
    pub page: String,
    /// How its text begins.
    pub text: String,
}

/// What was found: the best places first.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// At most a dozen.
    pub places: Vec<Place>,
}

/// Documents with texts of their own, and what they are about.
const DOCUMENTS: [(&str, &str, &str); 6] = [
    (
        "/docs/api",
        "API",
        "Operations, tokens and examples for programs. OpenAPI, curl, automation.",
    ),
    ("/docs/problems", "Errors", "Every error of the API, what it means and what to do."),
    ("/docs/limits", "Limits", "How many requests an account may send, and how large they may be."),
    (
        "/docs/sla",
        "SLA",
        "How uptime and bandwidth are measured, and how missed months are credited.",
    ),
    ("/status", "Status", "Whether the marketplace works now, incidents and the last 90 days."),
    ("/help/contact", "Contact", "How to reach the operator: email, support, complaint, abuse."),
];

impl Found {
    /// The places where every word of `question` is found.
    pub(crate) fn of(question: &str, facts: &[Fact]) -> Found {
        let wanted = words(question);
        let wanted: Vec<String> = wanted.take(WORDS_MAX).collect();
        let mut found: Vec<(usize, Place)> =
            everything(facts).filter_map(|place| Some((score(&place, &wanted)?, place))).collect();
        // Of those that are equally good, the first in the order of the pages.
        found.sort_by_key(|(score, _)| usize::MAX - score);
        found.truncate(PLACES_MAX);
        let shortened = |place: Place| Place { text: beginning(&place.text), ..place };
        Found { places: found.into_iter().map(|(_, place)| shortened(place)).collect() }
    }
}

fn everything(facts: &[Fact]) -> impl Iterator<Item = Place> {
    let sections = TOPICS.iter().flat_map(|topic| topic.sections.iter().map(move |it| (topic, it)));
    let sections = sections.map(|(topic, section)| Place {
        url: format!("/help/{}#{}", topic.name, section.id),
        title: section.title.to_owned(),
        page: topic.title.to_owned(),
        text: filled(&section.text.join(" "), facts),
    });
    let documents = DOCUMENTS.iter().map(|(url, title, about)| Place {
        url: (*url).to_owned(),
        title: (*title).to_owned(),
        page: "Documents".to_owned(),
        text: (*about).to_owned(),
    });
    let errors = Kind::VARIANTS.iter().map(|kind| Place {
        url: format!("/docs/problems#{}", kind.into_str()),
        title: kind.title().to_owned(),
        page: "Errors".to_owned(),
        text: kind.into_str().to_owned(),
    });
    sections.chain(documents).chain(errors)
}

/// How well a place fits: a word in its title counts for more. `None` where a word is nowhere.
fn score(place: &Place, wanted: &[String]) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    let title: Vec<String> = words(&format!("{} {}", place.title, place.page)).collect();
    let text: Vec<String> = words(&place.text).collect();
    let begins = |in_words: &[String], word: &str| in_words.iter().any(|it| it.starts_with(word));
    wanted.iter().try_fold(0, |score, word| match (begins(&title, word), begins(&text, word)) {
        (true, _) => Some(score + 3),
        (false, true) => Some(score + 1),
        (false, false) => None,
    })
}

/// The words of a text in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty()).map(str::to_lowercase)
}

fn beginning(text: &str) -> String {
    if text.chars().count() <= SHOWN_CHARS {
        return text.to_owned();
    }
    let cut: String = text.chars().take(SHOWN_CHARS).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{whole} …")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(question: &str) -> Vec<String> {
        Found::of(question, &[]).places.into_iter().map(|place| place.url).collect()
    }

    #[test]
    fn every_word_of_a_question_is_found() {
        assert_eq!(urls("refund").first().map(String::as_str), Some("/help/pricing#refunds"));
        assert_eq!(urls("SSH key").first().map(String::as_str), Some("/help/slices#key"));
        assert!(urls("credited uptime").contains(&"/docs/sla".to_owned()));
        assert!(urls("sold-out").contains(&"/docs/problems#sold-out".to_owned()));
        assert!(urls("email operator").contains(&"/help/contact".to_owned()));
        for nothing in ["", "  ", "<script>alert", "zebra", "refund zebra"] {
            assert_eq!(urls(nothing), [""; 0], "{nothing:?}");
        }
    }

    #[test]
    fn an_answer_is_bounded() {
        assert_eq!(urls("a").len(), PLACES_MAX);
        let long = "refund ".repeat(50);
        assert!(!urls(&long).is_empty());
        for place in Found::of("a", &[]).places {
            assert!(place.text.chars().count() <= SHOWN_CHARS + 2, "{}", place.text);
        }
    }
}

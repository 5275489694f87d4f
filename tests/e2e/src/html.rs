//! A page as a browser without scripts would use it: its words, and its forms.

use crate::client::Call;

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    html: String,
}

impl Page {
    pub(crate) fn new(html: String) -> Page {
        Page { html }
    }

    /// The page's source.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// What stands in the tab of the browser.
    pub fn title(&self) -> &str {
        let from = self.html.split_once("<title>").map_or("", |(_, rest)| rest);
        from.split("</title>").next().unwrap_or_default()
    }

    /// The page's words, with single spaces and without anything between angle brackets.
    pub fn words(&self) -> String {
        stage::words(&self.html)
    }

    /// Fails unless the page says all of this.
    #[track_caller]
    pub fn says(&self, sentences: &[&str]) {
        let words = self.words();
        for sentence in sentences {
            assert!(words.contains(sentence), "the page does not say {sentence:?}: {words}");
        }
    }

    /// The paths on this site that the page links to or loads, without what follows a `#`.
    pub fn links(&self) -> Vec<String> {
        let tags = self.html.split('<').map(|tag| tag.split('>').next().unwrap_or_default());
        let links = tags.flat_map(|tag| [attribute(tag, "href"), attribute(tag, "src")]);
        let links = links.filter(|link| link.starts_with('/'));
        links.map(|link| link.split('#').next().unwrap_or_default().to_owned()).collect()
    }

    /// Where the page's forms go.
    pub fn actions(&self) -> Vec<String> {
        self.html.split("<form").skip(1).map(|form| attribute(form, "action")).collect()
    }

    /// Fills the form that posts to `action` and sends it: hidden fields and what is filled in go
    /// along, and `fields` replace or add to them.
    #[track_caller]
    pub fn submit(&self, action: &str, fields: &[(&str, &str)]) -> Call {
        self.submit_to(action, action, fields)
    }

    /// The same by a button of the form that sends it elsewhere.
    #[track_caller]
    pub fn submit_to(&self, action: &str, target: &str, fields: &[(&str, &str)]) -> Call {
        let opening = format!("action=\"{action}\"");
        let form = self.html.split("<form").find(|form| form.contains(&opening));
        let form = form.unwrap_or_else(|| panic!("no form for {action} on {}", self.title()));
        let form = form.split("</form>").next().unwrap_or_default();
        let inputs = form.split("<input").skip(1).map(|tag| tag.split('>').next().unwrap_or(""));
        let sent = inputs.filter(|tag| {
            let is_choice =
                attribute(tag, "type") == "radio" || attribute(tag, "type") == "checkbox";
            !is_choice || tag.contains(" checked")
        });
        let sent: Vec<_> =
            sent.map(|tag| (attribute(tag, "name"), attribute(tag, "value"))).collect();
        // As a browser does: what has no name, such as a slider beside a field, is not sent.
        let sent: Vec<_> = sent.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        let kept = sent.iter().filter(|(name, _)| fields.iter().all(|(field, _)| field != name));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        Call::form(target, kept.chain(fields.iter().copied()))
    }
}

/// The value of a tag's attribute, or nothing.
fn attribute(tag: &str, name: &str) -> String {
    let from = tag.split_once(&format!(" {name}=\"")).map_or("", |(_, rest)| rest);
    let raw = from.split('"').next().unwrap_or_default();
    raw.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"").replace("&#39;", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sends_what_it_holds() {
        let page = Page::new(
            "<form method=\"post\" action=\"/a\"><input type=\"hidden\" name=\"k\" value=\"1\">\
             <input type=\"radio\" name=\"r\" value=\"2\" checked><input type=\"radio\" name=\"r\" \
             value=\"3\"><input name=\"t\" value=\"x\"></form>"
                .to_owned(),
        );
        let sent = format!("{:?}", page.submit("/a", &[("t", "y z")]));
        let expected = format!("{:?}", Call::form("/a", [("k", "1"), ("r", "2"), ("t", "y z")]));
        assert_eq!(sent, expected);
    }
}

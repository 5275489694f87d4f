//! A browser without scripts, for tests of pages and forms.

use e2e::{Answer, Call, Client, Market, PASSWORD, Page};

/// A browser without scripts: it keeps a cookie, follows forms, and says where it is.
pub(crate) struct Browser {
    pub(crate) client: Client,
    origin: String,
}

impl Browser {
    /// A browser that has seen nothing.
    pub(crate) fn new(market: &Market) -> Browser {
        Browser { client: market.visitor(), origin: market.url() }
    }

    /// Opens a page that is there.
    pub(crate) async fn open(&self, path: &str) -> Page {
        self.client.get(path).await.page(200)
    }

    /// Sends a form as a browser does.
    pub(crate) async fn send(&mut self, call: Call) -> Answer {
        let call = call.with("origin", &self.origin).with("sec-fetch-site", "same-origin");
        let answer = self.client.send(call).await;
        if answer.session_cookie().is_some() {
            self.client = self.client.with_cookie(&answer.cookie());
        }
        answer
    }

    /// Sends a form that does its work, and follows where it leads.
    pub(crate) async fn submit(
        &mut self,
        page: &Page,
        action: &str,
        fields: &[(&str, &str)],
    ) -> (String, Page) {
        let path = self.send(page.submit(action, fields)).await.see_other();
        let page = self.open(&path).await;
        (path, page)
    }

    /// Makes an account with the form, and is signed in.
    pub(crate) async fn sign_up(&mut self, email: &str) -> Page {
        let page = self.open("/signup").await;
        let fields = [("email", email), ("password", PASSWORD)];
        let (path, page) = self.submit(&page, "/signup", &fields).await;
        assert_eq!(path, "/marketplace/compute?done=signed-up");
        page.says(&["Your account is ready.", email, "Sign out"]);
        page
    }

    /// Signs in with the form, to where it leads.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        let page = self.open("/login").await;
        let fields = [("email", email), ("password", password)];
        self.submit(&page, "/login", &fields).await.1
    }
}

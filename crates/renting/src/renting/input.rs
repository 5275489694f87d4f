//! What bodies of requests to rent say, read.

use domain::field::FieldError;
use domain::id::{NodeId, QuoteId, SliceId, SshKeyId};
use domain::money::Usd;
use domain::order::{Filter, RentRequest, SLICES_PER_ORDER_MAX, Spread, Wanted};
use domain::port::{Port, check_ports};
use domain::region;
use domain::template::{Template, parse_user_data};
use domain::term::Term;
use domain::uptime::{Bandwidth, Uptime};
use machines::ports::read_ports;
use web::Problem;
use web::form::keep;
use web::json::Decimal;

use crate::renting::json::{QuoteBody, RentBody, RentNodeBody, WhereBody};

impl RentNodeBody {
    /// Reads what is asked for, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(Basis, Start), Vec<FieldError>> {
        let wanted = OrderInput {
            node_id: self.node_id.as_deref(),
            duration_months: self.duration_months,
            offer_version: self.offer_version,
            max_price: self.max_price.as_ref(),
            ..OrderInput::default()
        };
        let basis = match &self.quote_id {
            Some(quote) => wanted.read_quote(quote),
            None => wanted.read_whole().map(Basis::Request),
        };
        let RentNodeBody { ssh_key_id, template, user_data, ports, .. } = self;
        let start = Start::read(ssh_key_id.as_deref(), template.as_deref(), user_data.as_deref());
        both(basis, start.and_then(|start| start.with_ports(read_ports("ports", ports))))
    }
}

/// What machines are to start with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// Which of the renter's keys gets in; `None` for the oldest one.
    pub ssh_key: Option<SshKeyId>,
    /// A document of ours.
    pub template: Option<Template>,
    /// One of the renter's own.
    pub user_data: Option<String>,
    /// What is to be reachable beside SSH and the template's ports.
    pub ports: Vec<Port>,
}

impl Start {
    /// Reads what machines are to start with; an empty text is none.
    pub(crate) fn read(
        ssh_key_id: Option<&str>,
        template: Option<&str>,
        user_data: Option<&str>,
    ) -> Result<Start, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let key = |text: &str| {
            let rule = || FieldError::new("ssh_key_id", "the id of one of your SSH keys");
            SshKeyId::parse(text).ok_or_else(rule)
        };
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let ssh_key = given(ssh_key_id).and_then(|text| keep(&mut wrong, key(&text)));
        let template =
            given(template).and_then(|text| keep(&mut wrong, Template::parse("template", &text)));
        let user_data =
            given(user_data).and_then(|text| keep(&mut wrong, parse_user_data("user_data", &text)));
        if template.is_some() && user_data.is_some() {
            wrong.push(FieldError::new("user_data", "no template in the same request"));
        }
        if wrong.is_empty() {
            Ok(Start { ssh_key, template, user_data, ports: Vec::new() })
        } else {
            Err(wrong)
        }
    }

    /// The same with ports that are to be reachable.
    pub(crate) fn with_ports(
        self,
        ports: Result<Vec<Port>, FieldError>,
    ) -> Result<Start, Vec<FieldError>> {
        let start = Start { ports: ports.map_err(|error| vec![error])?, ..self };
        // The template's count as well.
        check_ports("ports", &start.all_ports()).map_err(|error| vec![error])?;
        Ok(start)
    }

    /// What is to be reachable beside SSH, in order.
    pub(crate) fn all_ports(&self) -> Vec<Port> {
        let template = self.template.map_or(&[][..], |template| template.ports);
        let mut all = [template, &self.ports].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Both, or what is wrong with either.
fn both<A, B>(
    first: Result<A, Vec<FieldError>>,
    second: Result<B, Vec<FieldError>>,
) -> Result<(A, B), Vec<FieldError>> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (first, second) => {
            let wrong = [first.err(), second.err()];
            Err(wrong.into_iter().flatten().flatten().collect())
        }
    }
}

/// What a request to rent is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// What it says.
    Request(RentRequest),
    /// A quote.
    Quote(QuoteId),
}

impl QuoteBody {
    /// Reads what is asked for, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<RentRequest, Vec<FieldError>> {
        let wanted = self.wanted();
        if !self.whole_node {
            return wanted.read();
        }
        if wanted.slice_id.is_some() || wanted.count.is_some() || wanted.spread.is_some() {
            let rule = "no slice_id, count or spread in the same request";
            return Err(vec![FieldError::new("whole_node", rule)]);
        }
        wanted.read_whole()
    }
}

impl RentBody {
    /// Reads what is asked for, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(Basis, Start), Vec<FieldError>> {
        let basis = match &self.quote_id {
            Some(quote) => self.wanted().read_quote(quote),
            None => self.wanted().read().map(Basis::Request),
        };
        let RentBody { ssh_key_id, template, user_data, ports, .. } = self;
        let start = Start::read(ssh_key_id.as_deref(), template.as_deref(), user_data.as_deref());
        both(basis, start.and_then(|start| start.with_ports(read_ports("ports", ports))))
    }
}

/// Slices that are wanted, as a body says it: one by its id, or some of a node, or of the market.
#[derive(Clone, Copy, Default)]
pub(super) struct OrderInput<'a> {
    pub node_id: Option<&'a str>,
    pub slice_id: Option<&'a str>,
    pub count: Option<i64>,
    pub spread: Option<&'a str>,
    pub r#where: Option<&'a WhereBody>,
    pub duration_months: Option<i64>,
    pub offer_version: Option<i64>,
    pub max_price: Option<&'a Decimal>,
}

impl OrderInput<'_> {
    fn read(self) -> Result<RentRequest, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let wanted = self.slices(&mut wrong);
        self.finish(wanted, wrong)
    }

    fn read_whole(self) -> Result<RentRequest, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let node = keep(&mut wrong, node_of(self.node_id.unwrap_or_default()));
        self.finish(node.map(Wanted::WholeNode), wrong)
    }

    fn finish(
        self,
        wanted: Option<Wanted>,
        mut wrong: Vec<FieldError>,
    ) -> Result<RentRequest, Vec<FieldError>> {
        // No term has zero months, so that a missing one is refused as a term.
        let term = keep(&mut wrong, Term::from_months(self.duration_months.unwrap_or(0)));
        let max_price = self.max_price(&mut wrong);
        match (wanted, term) {
            (Some(wanted), Some(term)) if wrong.is_empty() => {
                Ok(RentRequest { wanted, term, offer_version: self.offer_version, max_price })
            }
            _ => Err(wrong),
        }
    }

    fn max_price(self, wrong: &mut Vec<FieldError>) -> Option<Usd> {
        keep(wrong, Usd::parse("max_price", &self.max_price?.text()))
    }

    fn slices(self, wrong: &mut Vec<FieldError>) -> Option<Wanted> {
        let count = keep(wrong, count(self.count.unwrap_or(1)));
        let node = self.node_id.map(|text| keep(wrong, node_of(text)));
        let spread = match self.spread {
            None => Some(Spread::Any),
            Some(text) => keep(wrong, spread_of(text)),
        };
        if let Some(id) = self.slice_id {
            let slice = keep(wrong, slice_of(node.flatten(), id));
            if count != Some(1) {
                wrong.push(FieldError::new("count", "1 if slice_id is given"));
            }
            return slice.map(Wanted::Slice);
        }
        if let Some(node) = node {
            if self.r#where.is_some() || self.spread.is_some() {
                wrong.push(FieldError::new("node_id", "no where or spread in the same request"));
            }
            return Some(Wanted::OfNode(node?, count?));
        }
        let filter = self.filter(wrong);
        Some(Wanted::OnMarket { filter, count: count?, spread: spread? })
    }

    fn filter(self, wrong: &mut Vec<FieldError>) -> Filter {
        let r#where = self.r#where.cloned().unwrap_or_default();
        let country = r#where.country.map(|text| text.trim().to_owned());
        if country.as_ref().is_some_and(|text| text.chars().count() > COUNTRY_CHARS_MAX) {
            wrong.push(FieldError::new("country", "at most 80 characters"));
        }
        let uptime = r#where.min_uptime.map(|text| Uptime::parse("min_uptime", &text.text()));
        let bandwidth =
            r#where.min_bandwidth.map(|text| Bandwidth::parse("min_bandwidth", &text.text()));
        Filter {
            country: country
                .filter(|text| !text.is_empty())
                .map(|text| region::country(&text).map_or(text, str::to_owned)),
            // What is wrong with it is said once, where the request is finished.
            max_price: self.max_price(&mut Vec::new()),
            min_uptime: uptime.and_then(|read| keep(wrong, read)),
            min_bandwidth: bandwidth.and_then(|read| keep(wrong, read)),
            certified_only: r#where.certified.unwrap_or(false),
            automatic_setup: r#where.automatic_setup.unwrap_or(false),
            verified_farm: r#where.verified_farm.unwrap_or(false),
            ..Filter::default()
        }
    }

    fn read_quote(self, quote: &str) -> Result<Basis, Vec<FieldError>> {
        let is_alone = self.node_id.is_none()
            && self.slice_id.is_none()
            && self.count.is_none()
            && self.spread.is_none()
            && self.r#where.is_none()
            && self.duration_months.is_none()
            && self.offer_version.is_none()
            && self.max_price.is_none();
        if !is_alone {
            let rule = "no other fields except dry_run";
            return Err(vec![FieldError::new("quote_id", rule)]);
        }
        let rule = || vec![FieldError::new("quote_id", "the id of a quote")];
        QuoteId::parse(quote).map(Basis::Quote).ok_or_else(rule)
    }
}

/// The longest name of a country.
const COUNTRY_CHARS_MAX: usize = 80;

fn count(number: i64) -> Result<u32, FieldError> {
    let fits = |count: &u32| (1..=SLICES_PER_ORDER_MAX).contains(count);
    let rule = || FieldError::new("count", "a whole number, 1 to 50");
    u32::try_from(number).ok().filter(fits).ok_or_else(rule)
}

fn node_of(text: &str) -> Result<NodeId, FieldError> {
    NodeId::parse(text).ok_or_else(|| FieldError::new("node_id", "a node's id, such as node32"))
}

fn spread_of(text: &str) -> Result<Spread, FieldError> {
    text.parse().map_err(|_| {
        let rule = "any, same-node, different-nodes, different-farms or different-countries";
        FieldError::new("spread", rule)
    })
}

fn slice_of(node: Option<NodeId>, id: &str) -> Result<SliceId, FieldError> {
    let slice = SliceId::parse(id)
        .ok_or_else(|| FieldError::new("slice_id", "a slice's id, such as node32_slice_1"))?;
    if node.is_some_and(|node| node != slice.node) {
        return Err(FieldError::new("slice_id", "a slice of the node in `node_id`"));
    }
    Ok(slice)
}

/// A quote's id in a path; what is not one does not exist.
pub(crate) fn quote_id(text: &str) -> Result<QuoteId, Problem> {
    QuoteId::parse(text).ok_or_else(Problem::not_found)
}

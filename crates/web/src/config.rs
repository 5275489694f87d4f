//! What the operator sets: Spin's variables, read and checked.

use domain::money::{Percent, PriceLimits, Usd};
use http::HeaderName;

/// The values of the app's variables.
#[derive(Clone)]
pub struct Config {
    /// The operator's token; `None` where none is set, or where a component is not given it. Then
    /// nobody is the operator.
    pub operator_token: Option<String>,
    /// Base URLs of gridproxy, separated by commas, tried in order.
    pub gridproxy_urls: String,
    /// Where the app is reached from outside, without a slash at the end.
    pub public_url: String,
    /// What a farmer may ask for a slice and month.
    pub price_limits: PriceLimits,
    /// What the platform keeps of a rental.
    pub platform_fee: Percent,
    /// The least that is paid out to a farmer at once.
    pub payout_min: Usd,
    /// How many slices an account may rent.
    pub account_slices_max: u32,
    /// Whether mail can be sent.
    pub has_mail: bool,
    /// The header in which a trusted proxy gives the client's address; `None` where clients connect
    /// to the host itself.
    pub client_address_header: Option<HeaderName>,
    /// Multiplies every limit on requests.
    pub limit_factor: u32,
    /// Whose nodes may be offered.
    pub farm_claims: FarmClaims,
}

/// Whose nodes may be offered. In both, a farm that somebody has verified is that account's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FarmClaims {
    /// Everybody offers nodes of a farm that nobody has verified.
    Open,
    /// A farm is verified before a node of it is registered or published.
    Required,
}

/// The fewest characters of an operator's token: 128 bits in any usual encoding.
const OPERATOR_TOKEN_CHARS_MIN: usize = 22;

/// The largest factor on limits: for load tests, as good as none.
const LIMIT_FACTOR_MAX: u32 = 10_000;

impl Config {
    /// Nothing set: for the answer that says that the real one cannot be read.
    pub fn unset() -> Config {
        Config {
            operator_token: None,
            gridproxy_urls: String::new(),
            public_url: String::new(),
            price_limits: PriceLimits { min: Usd::ZERO, max: Usd::ZERO },
            platform_fee: Percent::whole(0),
            payout_min: Usd::ZERO,
            account_slices_max: 0,
            has_mail: false,
            client_address_header: None,
            limit_factor: 1,
            farm_claims: FarmClaims::Required,
        }
    }

    /// Reads every variable with `get`, which gives a variable's text. The error names the variable
    /// and never holds its value.
    pub fn read(get: impl Fn(&str) -> Result<String, String>) -> Result<Config, String> {
        let price = |name: &'static str| {
            Usd::parse(name, &get(name)?)
                .map_err(|wrong| format!("{name}: expected {}", wrong.rule))
        };
        let operator_token = get("operator_token").ok().filter(|token| !token.is_empty());
        if operator_token.as_ref().is_some_and(|t| t.len() < OPERATOR_TOKEN_CHARS_MIN) {
            let least = OPERATOR_TOKEN_CHARS_MIN;
            return Err(format!("operator_token: expected at least {least} characters"));
        }
        let price_limits =
            PriceLimits { min: price("price_min_usd")?, max: price("price_max_usd")? };
        if price_limits.min > price_limits.max {
            return Err("price_min_usd: expected at most price_max_usd".to_owned());
        }
        let platform_fee = Percent::parse("platform_fee_percent", &get("platform_fee_percent")?)
            .map_err(|wrong| format!("platform_fee_percent: expected {}", wrong.rule))?;
        let client_address_header = Some(get("client_address_header")?)
            .filter(|name| !name.is_empty())
            .map(|name| HeaderName::try_from(name.as_str()))
            .transpose()
            .map_err(|_| "client_address_header: expected the name of a header".to_owned())?;
        let limit_factor = get("limit_factor")?;
        let limit_factor = limit_factor.parse().ok().filter(|f| (1..=LIMIT_FACTOR_MAX).contains(f));
        let limit_factor = limit_factor.ok_or_else(|| {
            format!("limit_factor: expected a whole number from 1 to {LIMIT_FACTOR_MAX}")
        })?;
        let farm_claims = match get("farm_claims")?.as_str() {
            "open" => FarmClaims::Open,
            "required" => FarmClaims::Required,
            _ => return Err("farm_claims: expected open or required".to_owned()),
        };
        let account_slices_max = get("account_slices_max")?.parse().map_err(|_| {
            "account_slices_max: expected a whole number of slices, such as 100".to_owned()
        })?;
        Ok(Config {
            payout_min: price("payout_min_usd")?,
            account_slices_max,
            operator_token,
            gridproxy_urls: get("gridproxy_urls")?,
            public_url: get("public_url")?.trim_end_matches('/').to_owned(),
            price_limits,
            platform_fee,
            has_mail: is_transport_set(&get("mail_transport")?)?,
            client_address_header,
            limit_factor,
            farm_claims,
        })
    }
}

/// Whether mail is sent at all, by the variable `mail_transport`.
pub fn is_transport_set(text: &str) -> Result<bool, String> {
    match text {
        "" => Ok(false),
        "postmark" | "folder" => Ok(true),
        _ => Err("mail_transport: expected postmark, folder or nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Config, String> {
        Config::read(|asked| Ok(if asked == name { value } else { default(asked) }.to_owned()))
    }

    fn default(name: &str) -> &'static str {
        match name {
            "price_min_usd" | "limit_factor" => "1",
            "price_max_usd" => "500",
            "account_slices_max" => "100",
            "farm_claims" => "open",
            "payout_min_usd" => "25",
            "platform_fee_percent" => "10",
            _ => "",
        }
    }

    #[test]
    fn each_wrong_value_names_its_variable() {
        assert!(read("operator_token", "").is_ok_and(|config| config.operator_token.is_none()));
        for (name, value) in [
            ("operator_token", "short"),
            ("price_min_usd", "501"),
            ("price_max_usd", "much"),
            ("payout_min_usd", "some"),
            ("platform_fee_percent", "101"),
            ("mail_transport", "smtp"),
            ("client_address_header", "a b"),
            ("limit_factor", "-7"),
            ("farm_claims", "closed"),
        ] {
            let error = read(name, value).err().unwrap_or_default();
            assert!(error.starts_with(name) && !error.contains(value), "{error}");
        }
    }
}

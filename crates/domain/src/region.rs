//! Where a node is, and which other places are near enough to compare it with.
//!
//! The table holds the 22 geographical regions of the United Nations' M49 standard ("Standard
//! country or area codes for statistical use", unstats.un.org/unsd/methodology/m49): the
//! sub-regions, and the intermediate regions where a sub-region is divided further. Antarctica and
//! two islands that nobody lives on have no region. A country stands under its codes (ISO 3166-1)
//! and its usual English name, with other spellings behind a `|`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use strum::IntoStaticStr;

use crate::text::fold;

/// A region of the world, with its countries and areas.
#[derive(Debug, PartialEq, Eq)]
pub struct Region {
    /// Its English name, such as `Western Europe`, as it stands behind "in".
    pub name: &'static str,
    /// Of each country, separated by `|`: its codes of two and three letters, and its names, the
    /// usual one first.
    countries: &'static [&'static str],
}

impl Region {
    /// Every name of each of its countries.
    pub fn country_names(&self) -> impl Iterator<Item = &'static str> {
        self.countries.iter().flat_map(|country| codes_and_names(country).1.split('|'))
    }
}

fn codes_and_names(country: &'static str) -> (&'static str, &'static str) {
    country.split_once('|').unwrap_or(("", country))
}

/// The first country that `is_called` is true for, with its region.
fn first(is_called: impl Fn(&'static str) -> bool) -> Option<(&'static str, &'static Region)> {
    REGIONS.iter().find_map(|region| {
        let country = region.countries.iter().find(|country| is_called(country))?;
        Some((*country, region))
    })
}

/// A country by one of its English names or codes, without regard to case and accents: its row of
/// the table, and its region.
fn find_row(name: &str) -> Option<(&'static str, &'static Region)> {
    // Names that we store are spelled as here. Only what people type needs a closer look.
    let is_usual = |country| codes_and_names(country).1.split('|').next() == Some(name);
    if let Some(found) = first(is_usual) {
        return Some(found);
    }
    let wanted = fold(name);
    first(|country| {
        let (codes, names) = codes_and_names(country);
        codes.split(' ').any(|code| code.eq_ignore_ascii_case(&wanted))
            || names.split('|').any(|other| fold(other) == wanted)
    })
}

/// The names of a country, the usual one first, and its region.
fn find(name: &str) -> Option<(&'static str, &'static Region)> {
    find_row(name).map(|(country, region)| (codes_and_names(country).1, region))
}

/// The usual names of the countries one of whose names begins like `prefix`, which is folded.
pub(crate) fn countries_like(prefix: &str) -> impl Iterator<Item = &'static str> {
    REGIONS.iter().flat_map(|region| region.countries).filter_map(move |country| {
        let names = codes_and_names(country).1;
        let mut each = names.split('|');
        each.any(|name| fold(name).starts_with(prefix)).then(|| names.split('|').next())?
    })
}

/// The flag of a country as text: its code in regional indicator symbols. `None` where the country
/// is not known.
pub fn flag(country: &str) -> Option<String> {
    let (row, _) = find_row(country)?;
    let code = codes_and_names(row).0.split(' ').next()?;
    let indicator = |letter: u8| char::from_u32(0x1_F1E6 + u32::from(letter - b'A'));
    code.bytes().map(indicator).collect()
}

/// The continents, by name.
pub const CONTINENTS: [&str; 6] =
    ["Africa", "Asia", "Europe", "North America", "Oceania", "South America"];

/// The continent of a country, as people divide the world; `None` where the country is not known.
pub fn continent(country: &str) -> Option<&'static str> {
    let name = find(country)?.1.name;
    let is_of = |continent: &&&str| name.ends_with(**continent);
    Some(match name {
        "the Caribbean" | "Central America" | "Northern America" => "North America",
        "Australia and New Zealand" | "Melanesia" | "Micronesia" | "Polynesia" => "Oceania",
        _ => CONTINENTS.iter().find(is_of)?,
    })
}

/// The usual English name of a country by one of its names or codes, if it is one.
pub fn country(name: &str) -> Option<&'static str> {
    find(name).and_then(|(names, _)| names.split('|').next())
}

/// The region of a country, by one of the country's names or codes; `None` where it is not known.
pub fn region(country: &str) -> Option<&'static Region> {
    find(country).map(|(_, region)| region)
}

/// How far around a node others are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Reach {
    /// In its country.
    Country,
    /// In its region.
    Region,
    /// Everywhere.
    World,
}

/// Where similar nodes are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// How far it reaches.
    pub reach: Reach,
    /// Such as `Belgium`, `Western Europe` or `the world`.
    pub name: String,
    /// The names of its countries; `None` for the world.
    pub countries: Option<Vec<String>>,
}

/// The circles around a node in a country, the narrowest first; the world alone where the country
/// is not known.
pub fn circles(country: &str) -> Vec<Circle> {
    let world = Circle { reach: Reach::World, name: "the world".into(), countries: None };
    let Some((names, region)) = find(country) else { return [world].into() };
    let usual = names.split('|').next().unwrap_or(names);
    let own = Circle {
        reach: Reach::Country,
        name: usual.to_owned(),
        countries: Some(names.split('|').map(str::to_owned).collect()),
    };
    let around = Circle {
        reach: Reach::Region,
        name: region.name.to_owned(),
        countries: Some(region.country_names().map(str::to_owned).collect()),
    };
    [own, around, world].into()
}

/// The regions, by name.
#[rustfmt::skip]
static REGIONS: [Region; 22] = [
    Region {
        name: "Australia and New Zealand",
        countries: &[
            "AU AUS|Australia", "CX CXR|Christmas Island", "CC CCK|Cocos (Keeling) Islands",
            "NZ NZL|New Zealand", "NF NFK|Norfolk Island",
        ],
    },
    Region {
        name: "the Caribbean",
        countries: &[
            "AI AIA|Anguilla", "AG ATG|Antigua and Barbuda", "AW ABW|Aruba",
            "BS BHS|Bahamas|The Bahamas", "BB BRB|Barbados",
            "BQ BES|Bonaire, Sint Eustatius and Saba", "VG VGB|British Virgin Islands",
            "KY CYM|Cayman Islands", "CU CUB|Cuba", "CW CUW|Curaçao|Curacao", "DM DMA|Dominica",
            "DO DOM|Dominican Republic", "GD GRD|Grenada", "GP GLP|Guadeloupe", "HT HTI|Haiti",
            "JM JAM|Jamaica", "MQ MTQ|Martinique", "MS MSR|Montserrat", "PR PRI|Puerto Rico",
            "BL BLM|Saint Barthélemy", "KN KNA|Saint Kitts and Nevis", "LC LCA|Saint Lucia",
            "MF MAF|Saint Martin", "VC VCT|Saint Vincent and the Grenadines", "SX SXM|Sint Maarten",
            "TT TTO|Trinidad and Tobago", "TC TCA|Turks and Caicos Islands",
            "VI VIR|U.S. Virgin Islands|United States Virgin Islands",
        ],
    },
    Region {
        name: "Central America",
        countries: &[
            "BZ BLZ|Belize", "CR CRI|Costa Rica", "SV SLV|El Salvador", "GT GTM|Guatemala",
            "HN HND|Honduras", "MX MEX|Mexico", "NI NIC|Nicaragua", "PA PAN|Panama",
        ],
    },
    Region {
        name: "Central Asia",
        countries: &[
            "KZ KAZ|Kazakhstan", "KG KGZ|Kyrgyzstan", "TJ TJK|Tajikistan", "TM TKM|Turkmenistan",
            "UZ UZB|Uzbekistan",
        ],
    },
    Region {
        name: "Eastern Africa",
        countries: &[
            "IO IOT|British Indian Ocean Territory", "BI BDI|Burundi", "KM COM|Comoros",
            "DJ DJI|Djibouti", "ER ERI|Eritrea", "ET ETH|Ethiopia",
            "TF ATF|French Southern Territories", "KE KEN|Kenya", "MG MDG|Madagascar",
            "MW MWI|Malawi", "MU MUS|Mauritius", "YT MYT|Mayotte", "MZ MOZ|Mozambique",
            "RW RWA|Rwanda", "RE REU|Réunion|Reunion", "SC SYC|Seychelles", "SO SOM|Somalia",
            "TZ TZA|Tanzania|United Republic of Tanzania|Tanzania, United Republic of",
            "UG UGA|Uganda", "ZM ZMB|Zambia", "ZW ZWE|Zimbabwe",
        ],
    },
    Region {
        name: "Eastern Asia",
        countries: &[
            "CN CHN|China", "HK HKG|Hong Kong|Hong Kong SAR China", "JP JPN|Japan",
            "MO MAC|Macao|Macau", "MN MNG|Mongolia",
            "KP PRK|North Korea|Democratic People's Republic of Korea",
            "KR KOR|South Korea|Republic of Korea|Korea, Republic of",
            "TW TWN|Taiwan|Taiwan, Province of China",
        ],
    },
    Region {
        name: "Eastern Europe",
        countries: &[
            "BY BLR|Belarus", "BG BGR|Bulgaria", "CZ CZE|Czechia|Czech Republic", "HU HUN|Hungary",
            "MD MDA|Moldova|Republic of Moldova|Moldova, Republic of", "PL POL|Poland",
            "RO ROU|Romania", "RU RUS|Russia|Russian Federation", "SK SVK|Slovakia",
            "UA UKR|Ukraine",
        ],
    },
    Region {
        name: "Melanesia",
        countries: &[
            "FJ FJI|Fiji", "NC NCL|New Caledonia", "PG PNG|Papua New Guinea",
            "SB SLB|Solomon Islands", "VU VUT|Vanuatu",
        ],
    },
    Region {
        name: "Micronesia",
        countries: &[
            "GU GUM|Guam", "KI KIR|Kiribati", "MH MHL|Marshall Islands",
            "FM FSM|Micronesia|Micronesia (Federated States of)", "NR NRU|Nauru",
            "MP MNP|Northern Mariana Islands", "PW PLW|Palau",
        ],
    },
    Region {
        name: "Middle Africa",
        countries: &[
            "AO AGO|Angola", "CM CMR|Cameroon", "CF CAF|Central African Republic", "TD TCD|Chad",
            "CG COG|Congo|Republic of the Congo",
            "CD COD|Democratic Republic of the Congo|Congo (Democratic Republic of the)",
            "GQ GNQ|Equatorial Guinea", "GA GAB|Gabon",
            "ST STP|Sao Tome and Principe|São Tomé and Príncipe",
        ],
    },
    Region {
        name: "Northern Africa",
        countries: &[
            "DZ DZA|Algeria", "EG EGY|Egypt", "LY LBY|Libya", "MA MAR|Morocco",
            "SS SSD|South Sudan", "SD SDN|Sudan", "TN TUN|Tunisia", "EH ESH|Western Sahara",
        ],
    },
    Region {
        name: "Northern America",
        countries: &[
            "BM BMU|Bermuda", "CA CAN|Canada", "GL GRL|Greenland",
            "PM SPM|Saint Pierre and Miquelon", "UM UMI|United States Minor Outlying Islands",
            "US USA|United States|United States of America|USA",
        ],
    },
    Region {
        name: "Northern Europe",
        countries: &[
            "DK DNK|Denmark", "EE EST|Estonia", "FO FRO|Faroe Islands", "FI FIN|Finland",
            "GG GGY|Guernsey", "IS ISL|Iceland", "IE IRL|Ireland", "IM IMN|Isle of Man",
            "JE JEY|Jersey", "LV LVA|Latvia", "LT LTU|Lithuania", "NO NOR|Norway",
            "SJ SJM|Svalbard and Jan Mayen", "SE SWE|Sweden",
            "GB GBR|United Kingdom|Great Britain|\
             United Kingdom of Great Britain and Northern Ireland",
            "AX ALA|Åland Islands",
        ],
    },
    Region {
        name: "Polynesia",
        countries: &[
            "AS ASM|American Samoa", "CK COK|Cook Islands", "PF PYF|French Polynesia",
            "NU NIU|Niue", "PN PCN|Pitcairn", "WS WSM|Samoa", "TK TKL|Tokelau", "TO TON|Tonga",
            "TV TUV|Tuvalu", "WF WLF|Wallis and Futuna",
        ],
    },
    Region {
        name: "South America",
        countries: &[
            "AR ARG|Argentina", "BO BOL|Bolivia|Bolivia (Plurinational State of)", "BR BRA|Brazil",
            "CL CHL|Chile", "CO COL|Colombia", "EC ECU|Ecuador",
            "FK FLK|Falkland Islands|Falkland Islands (Malvinas)", "GF GUF|French Guiana",
            "GY GUY|Guyana", "PY PRY|Paraguay", "PE PER|Peru",
            "GS SGS|South Georgia and the South Sandwich Islands", "SR SUR|Suriname",
            "UY URY|Uruguay", "VE VEN|Venezuela|Venezuela (Bolivarian Republic of)",
        ],
    },
    Region {
        name: "South-eastern Asia",
        countries: &[
            "BN BRN|Brunei|Brunei Darussalam", "KH KHM|Cambodia", "ID IDN|Indonesia",
            "LA LAO|Laos|Lao People's Democratic Republic", "MY MYS|Malaysia",
            "MM MMR|Myanmar|Burma", "PH PHL|Philippines", "SG SGP|Singapore", "TH THA|Thailand",
            "TL TLS|Timor-Leste|East Timor", "VN VNM|Vietnam|Viet Nam",
        ],
    },
    Region {
        name: "Southern Africa",
        countries: &[
            "BW BWA|Botswana", "SZ SWZ|Eswatini|Swaziland", "LS LSO|Lesotho", "NA NAM|Namibia",
            "ZA ZAF|South Africa",
        ],
    },
    Region {
        name: "Southern Asia",
        countries: &[
            "AF AFG|Afghanistan", "BD BGD|Bangladesh", "BT BTN|Bhutan", "IN IND|India",
            "IR IRN|Iran|Iran (Islamic Republic of)", "MV MDV|Maldives", "NP NPL|Nepal",
            "PK PAK|Pakistan", "LK LKA|Sri Lanka",
        ],
    },
    Region {
        name: "Southern Europe",
        countries: &[
            "AL ALB|Albania", "AD AND|Andorra", "BA BIH|Bosnia and Herzegovina", "HR HRV|Croatia",
            "GI GIB|Gibraltar", "GR GRC|Greece", "IT ITA|Italy", "MT MLT|Malta",
            "ME MNE|Montenegro", "MK MKD|North Macedonia|Macedonia", "PT PRT|Portugal",
            "SM SMR|San Marino", "RS SRB|Serbia", "SI SVN|Slovenia", "ES ESP|Spain",
            "VA VAT|Vatican City|Holy See",
        ],
    },
    Region {
        name: "Western Africa",
        countries: &[
            "BJ BEN|Benin", "BF BFA|Burkina Faso", "CV CPV|Cabo Verde|Cape Verde",
            "CI CIV|Côte d'Ivoire|Ivory Coast|Cote d'Ivoire", "GM GMB|Gambia|The Gambia",
            "GH GHA|Ghana", "GN GIN|Guinea", "GW GNB|Guinea-Bissau", "LR LBR|Liberia",
            "ML MLI|Mali", "MR MRT|Mauritania", "NE NER|Niger", "NG NGA|Nigeria",
            "SH SHN|Saint Helena|Saint Helena, Ascension and Tristan da Cunha", "SN SEN|Senegal",
            "SL SLE|Sierra Leone", "TG TGO|Togo",
        ],
    },
    Region {
        name: "Western Asia",
        countries: &[
            "AM ARM|Armenia", "AZ AZE|Azerbaijan", "BH BHR|Bahrain", "CY CYP|Cyprus",
            "GE GEO|Georgia", "IQ IRQ|Iraq", "IL ISR|Israel", "JO JOR|Jordan", "KW KWT|Kuwait",
            "LB LBN|Lebanon", "OM OMN|Oman", "PS PSE|Palestine|State of Palestine", "QA QAT|Qatar",
            "SA SAU|Saudi Arabia", "SY SYR|Syria|Syrian Arab Republic",
            "TR TUR|Türkiye|Turkey|Turkiye", "AE ARE|United Arab Emirates", "YE YEM|Yemen",
        ],
    },
    Region {
        name: "Western Europe",
        countries: &[
            "AT AUT|Austria", "BE BEL|Belgium", "FR FRA|France", "DE DEU|Germany",
            "LI LIE|Liechtenstein", "LU LUX|Luxembourg", "MC MCO|Monaco",
            "NL NLD|Netherlands|The Netherlands|Kingdom of the Netherlands", "CH CHE|Switzerland",
        ],
    },
];

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_country_has_a_region() {
        let check = |name: &str, usual: &str, expected: &str| {
            assert_eq!(country(name), Some(usual), "{name}");
            assert_eq!(region(name).map(|region| region.name), Some(expected), "{name}");
        };
        check("Belgium", "Belgium", "Western Europe");
        check(" belgium ", "Belgium", "Western Europe");
        check("Tanzania", "Tanzania", "Eastern Africa");
        check("United States", "United States", "Northern America");
        check("USA", "United States", "Northern America");
        check("Egypt", "Egypt", "Northern Africa");
        check("United Kingdom", "United Kingdom", "Northern Europe");
        check("Czech Republic", "Czechia", "Eastern Europe");
        check("The Netherlands", "Netherlands", "Western Europe");
        check("CURACAO", "Curaçao", "the Caribbean");
        check("COTE D’IVOIRE", "Côte d'Ivoire", "Western Africa");
        for code in ["be", "BEL", " Be "] {
            check(code, "Belgium", "Western Europe");
        }
        for unknown in ["", "|", "Unknown", "Atlantis", "XX", "BE BEL", "B"] {
            assert_eq!((country(unknown), region(unknown)), (None, None), "{unknown}");
        }
    }

    #[test]
    fn a_country_has_a_flag_and_a_continent() {
        let check = |name: &str, flag_text: &str, expected: &str| {
            assert_eq!(flag(name).as_deref(), Some(flag_text), "{name}");
            assert_eq!(continent(name), Some(expected), "{name}");
        };
        check("Belgium", "\u{1f1e7}\u{1f1ea}", "Europe");
        check("USA", "\u{1f1fa}\u{1f1f8}", "North America");
        check("Cuba", "\u{1f1e8}\u{1f1fa}", "North America");
        check("Brazil", "\u{1f1e7}\u{1f1f7}", "South America");
        check("Fiji", "\u{1f1eb}\u{1f1ef}", "Oceania");
        check("Egypt", "\u{1f1ea}\u{1f1ec}", "Africa");
        check("Japan", "\u{1f1ef}\u{1f1f5}", "Asia");
        assert_eq!((flag("Atlantis"), continent("")), (None, None));
        for name in REGIONS.iter().flat_map(Region::country_names) {
            assert!(continent(name).is_some() && flag(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_name_is_of_one_country() {
        let names: Vec<&str> = REGIONS.iter().flat_map(Region::country_names).collect();
        let different: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(different.len(), names.len());
        assert!(names.iter().all(|name| !name.is_empty() && name.trim() == *name));
        let codes = REGIONS.iter().flat_map(|region| region.countries.iter());
        let codes: Vec<&str> = codes.flat_map(|it| codes_and_names(it).0.split(' ')).collect();
        let different: BTreeSet<&str> = codes.iter().copied().collect();
        assert_eq!((codes.len(), different.len()), (2 * 246, 2 * 246));
        for (nth, code) in codes.iter().enumerate() {
            assert!(code.len() == 2 + nth % 2 && code.bytes().all(|b| b.is_ascii_uppercase()));
        }
        // The ISO's 249 countries and areas, but for the three without a region.
        assert_eq!(REGIONS.iter().map(|region| region.countries.len()).sum::<usize>(), 246);
    }

    #[test]
    fn circles_grow() {
        let names = |country| circles(country).into_iter().map(|c| c.name).collect::<Vec<_>>();
        assert_eq!(names("belgium"), ["Belgium", "Western Europe", "the world"]);
        assert_eq!(names("Unknown"), ["the world"]);
        let [own, around, world] = circles("Czech Republic").try_into().unwrap();
        assert_eq!(own.countries.as_deref().unwrap(), ["Czechia", "Czech Republic"]);
        assert!(around.countries.unwrap().contains(&"Poland".to_owned()));
        assert_eq!((world.reach, world.countries), (Reach::World, None));
    }
}

//! Where a node is, and which other places are near enough to compare it with.
//!
//! The table holds the 22 geographical regions of the United Nations' M49 standard ("Standard
//! country or area codes for statistical use", unstats.un.org/unsd/methodology/m49): the
//! sub-regions, and the intermediate regions where a sub-region is divided further. Antarctica and
//! two islands that nobody lives on have no region. A country stands under its usual English name,
//! with other spellings behind a `|`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use strum::IntoStaticStr;

/// A region of the world, with its countries and areas.
#[derive(Debug, PartialEq, Eq)]
pub struct Region {
    /// Its English name, such as `Western Europe`, as it stands behind "in".
    pub name: &'static str,
    /// The names of each country, the usual one first, separated by `|`.
    countries: &'static [&'static str],
}

impl Region {
    /// Every name of each of its countries.
    pub fn country_names(&self) -> impl Iterator<Item = &'static str> {
        self.countries.iter().flat_map(|names| names.split('|'))
    }
}

/// A country by one of its English names, in any case: its names, the usual one first, and its
/// region.
fn find(name: &str) -> Option<(&'static str, &'static Region)> {
    let is_called = |names: &str| names.split('|').any(|other| other.eq_ignore_ascii_case(name));
    REGIONS.iter().find_map(|region| {
        let names = region.countries.iter().find(|names| is_called(names))?;
        Some((*names, region))
    })
}

/// The usual English name of a country, if it is one.
pub fn country(name: &str) -> Option<&'static str> {
    find(name.trim()).and_then(|(names, _)| names.split('|').next())
}

/// The region of a country, by the country's English name in any case; `None` where it is not
/// known.
pub fn region(country: &str) -> Option<&'static Region> {
    find(country.trim()).map(|(_, region)| region)
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
    let Some((names, region)) = find(country.trim()) else { return [world].into() };
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
            "Australia", "Christmas Island", "Cocos (Keeling) Islands", "New Zealand",
            "Norfolk Island",
        ],
    },
    Region {
        name: "the Caribbean",
        countries: &[
            "Anguilla", "Antigua and Barbuda", "Aruba", "Bahamas|The Bahamas", "Barbados",
            "Bonaire, Sint Eustatius and Saba", "British Virgin Islands", "Cayman Islands",
            "Cuba", "Curaçao|Curacao", "Dominica", "Dominican Republic", "Grenada", "Guadeloupe",
            "Haiti", "Jamaica", "Martinique", "Montserrat", "Puerto Rico", "Saint Barthélemy",
            "Saint Kitts and Nevis", "Saint Lucia", "Saint Martin",
            "Saint Vincent and the Grenadines", "Sint Maarten", "Trinidad and Tobago",
            "Turks and Caicos Islands", "U.S. Virgin Islands|United States Virgin Islands",
        ],
    },
    Region {
        name: "Central America",
        countries: &[
            "Belize", "Costa Rica", "El Salvador", "Guatemala", "Honduras", "Mexico", "Nicaragua",
            "Panama",
        ],
    },
    Region {
        name: "Central Asia",
        countries: &[
            "Kazakhstan", "Kyrgyzstan", "Tajikistan", "Turkmenistan", "Uzbekistan",
        ],
    },
    Region {
        name: "Eastern Africa",
        countries: &[
            "British Indian Ocean Territory", "Burundi", "Comoros", "Djibouti", "Eritrea",
            "Ethiopia", "French Southern Territories", "Kenya", "Madagascar", "Malawi",
            "Mauritius", "Mayotte", "Mozambique", "Rwanda", "Réunion|Reunion", "Seychelles",
            "Somalia", "Tanzania|United Republic of Tanzania|Tanzania, United Republic of",
            "Uganda", "Zambia", "Zimbabwe",
        ],
    },
    Region {
        name: "Eastern Asia",
        countries: &[
            "China", "Hong Kong|Hong Kong SAR China", "Japan", "Macao|Macau", "Mongolia",
            "North Korea|Democratic People's Republic of Korea",
            "South Korea|Republic of Korea|Korea, Republic of",
            "Taiwan|Taiwan, Province of China",
        ],
    },
    Region {
        name: "Eastern Europe",
        countries: &[
            "Belarus", "Bulgaria", "Czechia|Czech Republic", "Hungary",
            "Moldova|Republic of Moldova|Moldova, Republic of", "Poland", "Romania",
            "Russia|Russian Federation", "Slovakia", "Ukraine",
        ],
    },
    Region {
        name: "Melanesia",
        countries: &[
            "Fiji", "New Caledonia", "Papua New Guinea", "Solomon Islands", "Vanuatu",
        ],
    },
    Region {
        name: "Micronesia",
        countries: &[
            "Guam", "Kiribati", "Marshall Islands", "Micronesia|Micronesia (Federated States of)",
            "Nauru", "Northern Mariana Islands", "Palau",
        ],
    },
    Region {
        name: "Middle Africa",
        countries: &[
            "Angola", "Cameroon", "Central African Republic", "Chad",
            "Congo|Republic of the Congo",
            "Democratic Republic of the Congo|Congo (Democratic Republic of the)",
            "Equatorial Guinea", "Gabon", "Sao Tome and Principe|São Tomé and Príncipe",
        ],
    },
    Region {
        name: "Northern Africa",
        countries: &[
            "Algeria", "Egypt", "Libya", "Morocco", "South Sudan", "Sudan", "Tunisia",
            "Western Sahara",
        ],
    },
    Region {
        name: "Northern America",
        countries: &[
            "Bermuda", "Canada", "Greenland", "Saint Pierre and Miquelon",
            "United States Minor Outlying Islands", "United States|United States of America|USA",
        ],
    },
    Region {
        name: "Northern Europe",
        countries: &[
            "Denmark", "Estonia", "Faroe Islands", "Finland", "Guernsey", "Iceland", "Ireland",
            "Isle of Man", "Jersey", "Latvia", "Lithuania", "Norway", "Svalbard and Jan Mayen",
            "Sweden",
            "United Kingdom|United Kingdom of Great Britain and Northern Ireland|Great Britain",
            "Åland Islands",
        ],
    },
    Region {
        name: "Polynesia",
        countries: &[
            "American Samoa", "Cook Islands", "French Polynesia", "Niue", "Pitcairn", "Samoa",
            "Tokelau", "Tonga", "Tuvalu", "Wallis and Futuna",
        ],
    },
    Region {
        name: "South America",
        countries: &[
            "Argentina", "Bolivia|Bolivia (Plurinational State of)", "Brazil", "Chile",
            "Colombia", "Ecuador", "Falkland Islands|Falkland Islands (Malvinas)",
            "French Guiana", "Guyana", "Paraguay", "Peru",
            "South Georgia and the South Sandwich Islands", "Suriname", "Uruguay",
            "Venezuela|Venezuela (Bolivarian Republic of)",
        ],
    },
    Region {
        name: "South-eastern Asia",
        countries: &[
            "Brunei|Brunei Darussalam", "Cambodia", "Indonesia",
            "Laos|Lao People's Democratic Republic", "Malaysia", "Myanmar|Burma", "Philippines",
            "Singapore", "Thailand", "Timor-Leste|East Timor", "Vietnam|Viet Nam",
        ],
    },
    Region {
        name: "Southern Africa",
        countries: &[
            "Botswana", "Eswatini|Swaziland", "Lesotho", "Namibia", "South Africa",
        ],
    },
    Region {
        name: "Southern Asia",
        countries: &[
            "Afghanistan", "Bangladesh", "Bhutan", "India", "Iran|Iran (Islamic Republic of)",
            "Maldives", "Nepal", "Pakistan", "Sri Lanka",
        ],
    },
    Region {
        name: "Southern Europe",
        countries: &[
            "Albania", "Andorra", "Bosnia and Herzegovina", "Croatia", "Gibraltar", "Greece",
            "Italy", "Malta", "Montenegro", "North Macedonia|Macedonia", "Portugal", "San Marino",
            "Serbia", "Slovenia", "Spain", "Vatican City|Holy See",
        ],
    },
    Region {
        name: "Western Africa",
        countries: &[
            "Benin", "Burkina Faso", "Cabo Verde|Cape Verde",
            "Côte d'Ivoire|Ivory Coast|Cote d'Ivoire", "Gambia|The Gambia", "Ghana", "Guinea",
            "Guinea-Bissau", "Liberia", "Mali", "Mauritania", "Niger", "Nigeria",
            "Saint Helena|Saint Helena, Ascension and Tristan da Cunha", "Senegal",
            "Sierra Leone", "Togo",
        ],
    },
    Region {
        name: "Western Asia",
        countries: &[
            "Armenia", "Azerbaijan", "Bahrain", "Cyprus", "Georgia", "Iraq", "Israel", "Jordan",
            "Kuwait", "Lebanon", "Oman", "Palestine|State of Palestine", "Qatar", "Saudi Arabia",
            "Syria|Syrian Arab Republic", "Türkiye|Turkey|Turkiye", "United Arab Emirates",
            "Yemen",
        ],
    },
    Region {
        name: "Western Europe",
        countries: &[
            "Austria", "Belgium", "France", "Germany", "Liechtenstein", "Luxembourg", "Monaco",
            "Netherlands|The Netherlands|Kingdom of the Netherlands", "Switzerland",
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
        for unknown in ["", "Unknown", "Atlantis", "Belgium|", "|"] {
            assert_eq!((country(unknown), region(unknown)), (None, None), "{unknown}");
        }
    }

    #[test]
    fn every_name_is_of_one_country() {
        let names: Vec<&str> = REGIONS.iter().flat_map(Region::country_names).collect();
        let different: BTreeSet<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
        assert_eq!(different.len(), names.len());
        assert!(names.iter().all(|name| !name.is_empty() && name.trim() == *name));
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

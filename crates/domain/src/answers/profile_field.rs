//! Braze's own profile fields among the answers. Braze ignores a value that it cannot use, or clears the field
//! (braze-docs, user attributes object), so such a value is refused.

use jiff::tz::TimeZone;

use super::plain::civil_date;
use super::refused::AnswerError;
use crate::Timestamp;
use crate::attributes::AttributeValue;

/// ISO 3166-1 alpha-2.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// ISO 639-1.
const LANGUAGES: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el \
    en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu \
    ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na \
    nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so \
    sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// The first parts of names in the IANA time zone database. New zones get new second parts.
const AREAS: [&str; 11] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
];

/// The first year of a date of birth.
const FIRST_YEAR: i16 = 1900;

/// A field of Braze's profile that an activation may list among its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileField {
    /// `first_name`, `last_name` or `home_city`: any text.
    Name,
    /// `dob`: the date of birth.
    BirthDate,
    /// `gender`: one of five letters.
    Gender,
    /// `country`: two capital letters.
    Country,
    /// `language`: two small letters.
    Language,
    /// `time_zone`: a name of the IANA time zone database.
    TimeZone,
}

impl ProfileField {
    /// The names of all fields.
    pub const NAMES: [&str; 8] =
        ["first_name", "last_name", "home_city", "dob", "gender", "country", "language", "time_zone"];

    /// The field with this name; `None` if it is a custom attribute.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "first_name" | "last_name" | "home_city" => Some(Self::Name),
            "dob" => Some(Self::BirthDate),
            "gender" => Some(Self::Gender),
            "country" => Some(Self::Country),
            "language" => Some(Self::Language),
            "time_zone" => Some(Self::TimeZone),
            _ => None,
        }
    }

    /// Whether the field is a date; the others are texts.
    #[must_use]
    pub fn is_date(self) -> bool {
        self == Self::BirthDate
    }

    /// Checks a value of the right type. Returns it in Braze's form.
    pub(crate) fn check(self, value: AttributeValue, now: Timestamp) -> Result<AttributeValue, AnswerError> {
        let AttributeValue::Text(text) = value else { return Ok(value) };
        let text = match self {
            Self::Name => Ok(text),
            Self::BirthDate => birth_date(text, now),
            Self::Gender => one_of(text.to_ascii_uppercase(), "M F O N P", "must be M, F, O, N or P"),
            Self::Country => {
                one_of(text.to_ascii_uppercase(), COUNTRIES, "must be a country by its two letters, as US")
            }
            Self::Language => {
                one_of(text.to_ascii_lowercase(), LANGUAGES, "must be a language by its two letters, as en")
            }
            Self::TimeZone if is_time_zone(&text) => Ok(text),
            Self::TimeZone => {
                Err(AnswerError::range("must be a time zone by its IANA name, as Europe/Paris"))
            }
        };
        text.map(AttributeValue::Text)
    }
}

fn one_of(text: String, words: &str, message: &str) -> Result<String, AnswerError> {
    if words.split_ascii_whitespace().any(|word| word == text) {
        Ok(text)
    } else {
        Err(AnswerError::range(message))
    }
}

fn birth_date(text: String, now: Timestamp) -> Result<String, AnswerError> {
    let date = civil_date(&text).ok_or(AnswerError::Type("a date as 1990-11-23"))?;
    // Where the day begins first, it is already tomorrow.
    let today = TimeZone::UTC.to_datetime(now).date().tomorrow().unwrap_or(jiff::civil::Date::MAX);
    if date.year() < FIRST_YEAR || date > today {
        return Err(AnswerError::range("must be from 1900 to today"));
    }
    Ok(text)
}

/// Whether a text has the form of an IANA name. A list of all names would refuse zones that are newer than
/// the list.
fn is_time_zone(text: &str) -> bool {
    let is_part = |part: &str| {
        let starts = part.starts_with(|c: char| c.is_ascii_alphabetic());
        starts && part.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'+'))
    };
    let mut parts = text.split('/');
    let Some(area) = parts.next() else { return false };
    let places: Vec<&str> = parts.collect();
    text == "UTC"
        || AREAS.contains(&area) && (1..=2).contains(&places.len()) && places.into_iter().all(is_part)
}

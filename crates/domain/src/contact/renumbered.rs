//! Numbering plans that have changed. Profiles keep the forms of their time, although the line is the same.

/// Numbers with this beginning, and this many digits after the country code, were changed by replacing the
/// beginning.
struct Renumbering {
    country: &'static str,
    old: &'static str,
    digits: usize,
    new: &'static str,
}

const fn change(country: &'static str, old: &'static str, digits: usize, new: &'static str) -> Renumbering {
    Renumbering { country, old, digits, new }
}

/// Mexico 2019: mobile numbers lost the 1 after the country code. Benin 2024: all numbers got 01. Vietnam
/// 2018: mobile numbers of eleven digits got ten (the leading 0, which is not part of the international form,
/// is not counted here).
const CHANGES: [Renumbering; 20] = [
    change("52", "1", 11, ""),
    change("229", "", 8, "01"),
    change("84", "120", 10, "70"),
    change("84", "121", 10, "79"),
    change("84", "122", 10, "77"),
    change("84", "126", 10, "76"),
    change("84", "128", 10, "78"),
    change("84", "123", 10, "83"),
    change("84", "124", 10, "84"),
    change("84", "125", 10, "85"),
    change("84", "127", 10, "81"),
    change("84", "129", 10, "82"),
    change("84", "162", 10, "32"),
    change("84", "163", 10, "33"),
    change("84", "164", 10, "34"),
    change("84", "165", 10, "35"),
    change("84", "166", 10, "36"),
    change("84", "167", 10, "37"),
    change("84", "168", 10, "38"),
    change("84", "169", 10, "39"),
];

/// The form that replaced an earlier form of the same line, as E.164; `None` if the number has its current
/// form.
pub(super) fn modern(e164: &str) -> Option<String> {
    let digits = e164.strip_prefix('+')?;
    if let Some(national) = digits.strip_prefix("55") {
        return brazilian(national);
    }
    CHANGES.iter().find_map(|change| {
        let national = digits.strip_prefix(change.country)?;
        let rest = national.strip_prefix(change.old).filter(|_| national.len() == change.digits)?;
        Some(format!("+{}{}{rest}", change.country, change.new))
    })
}

/// Brazil 2012 to 2016: mobile numbers got a 9 between the area code and their eight digits, the first of which is 6 to 9.
fn brazilian(national: &str) -> Option<String> {
    let (area, subscriber) = national.split_at_checked(2)?;
    let is_old_mobile = subscriber.len() == 8 && subscriber.starts_with(['6', '7', '8', '9']);
    is_old_mobile.then(|| format!("+55{area}9{subscriber}"))
}

/// Removes the 9 that Argentina puts before mobile numbers dialled from abroad, and that many profiles lack.
/// No landline has the same number.
pub(super) fn without_mobile_prefix(e164: &str) -> String {
    match e164.strip_prefix("+549") {
        Some(national) if national.len() == 10 => format!("+54{national}"),
        Some(_) | None => e164.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_argentine_mobile_numbers_of_full_length_lose_their_prefix() {
        assert_eq!(without_mobile_prefix("+5491123456789"), "+541123456789");
        for other in ["+549112345678", "+54911234567890", "+541123456789", "+5591123456789"] {
            assert_eq!(without_mobile_prefix(other), other);
        }
    }
}

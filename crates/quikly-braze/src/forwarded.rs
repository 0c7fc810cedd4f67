//! The client's address as a proxy writes it. Only the last entry is the proxy's own; the client may have forged the entries before it.

use std::net::{IpAddr, SocketAddr};

use clap::ValueEnum;
use http::HeaderMap;

/// The header in which our proxy passes on the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForwardedBy {
    /// `X-Forwarded-For: 203.0.113.7`, as most proxies write it
    XForwardedFor,
    /// `Forwarded: for=203.0.113.7` (RFC 7239)
    Forwarded,
}

/// There is an entry, but it holds no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoAddress;

impl ForwardedBy {
    /// The client that the proxy saw; `None` without an entry.
    ///
    /// # Errors
    /// When the entry holds no address.
    pub(crate) fn client(self, headers: &HeaderMap) -> Result<Option<IpAddr>, NoAddress> {
        let name = match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        };
        let Some(line) = headers.get_all(name).iter().next_back() else { return Ok(None) };
        let line = line.to_str().map_err(|_| NoAddress)?;
        let Some(entry) = entries(line).into_iter().next_back() else { return Ok(None) };
        let node = match self {
            Self::XForwardedFor => Some(entry),
            Self::Forwarded => node(entry),
        };
        node.and_then(address).map(Some).ok_or(NoAddress)
    }
}

/// The entries of a line that are not empty. A comma inside quotes does not separate entries.
fn entries(line: &str) -> Vec<&str> {
    let mut quoted = false;
    let separates = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    line.split(separates).map(str::trim).filter(|entry| !entry.is_empty()).collect()
}

/// The `for` parameter of an entry of `Forwarded`.
fn node(entry: &str) -> Option<&str> {
    let parameters = entry.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    parameters
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .map(|(_, value)| value.trim())
        .next_back()
}

/// Parses an address as proxies write it: with or without port, brackets, quotes, and a zone.
fn address(node: &str) -> Option<IpAddr> {
    let node = node.strip_prefix('"').map_or(node, |rest| rest.strip_suffix('"').unwrap_or(rest)).trim();
    let bare =
        node.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(node, |(inside, _port)| inside);
    let without_zone = bare.split_once('%').map_or(bare, |(address, _zone)| address);
    let with_port = || node.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    without_zone.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(by: ForwardedBy, lines: &[&str]) -> Result<Option<String>, NoAddress> {
        let mut headers = HeaderMap::new();
        let name = if by == ForwardedBy::Forwarded { "forwarded" } else { "x-forwarded-for" };
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        by.client(&headers).map(|client| client.map(|address| address.to_string()))
    }

    fn reads(by: ForwardedBy, line: &str, address: &str) {
        assert_eq!(client(by, &[line]), Ok(Some(address.to_owned())), "{line}");
    }

    #[test]
    fn every_form_that_proxies_write_is_read() {
        for line in [
            "203.0.113.7",
            "203.0.113.7:40007",
            "198.51.100.1, 203.0.113.7:40007",
            "198.51.100.1,203.0.113.7",
            "\"203.0.113.7:40007\"",
            "198.51.100.1, \"203.0.113.7\"",
            " 203.0.113.7 , ",
            "unknown, 203.0.113.7",
        ] {
            reads(ForwardedBy::XForwardedFor, line, "203.0.113.7");
        }
        for line in [
            "2001:db8::1",
            "[2001:db8::1]",
            "[2001:db8::1]:40007",
            "\"[2001:db8::1]:40007\"",
            "2001:DB8::1",
            "2001:db8::1%eth0",
        ] {
            reads(ForwardedBy::XForwardedFor, line, "2001:db8::1");
        }
    }

    #[test]
    fn the_standard_header_is_read_with_its_other_parameters() {
        for line in [
            "for=203.0.113.7",
            "For=\"203.0.113.7:40007\"",
            "for=198.51.100.1, for=203.0.113.7;proto=https;by=198.51.100.2",
            "proto=http;host=\"a,b\";for=203.0.113.7",
        ] {
            reads(ForwardedBy::Forwarded, line, "203.0.113.7");
        }
        reads(ForwardedBy::Forwarded, "for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17");
    }

    #[test]
    fn the_last_line_is_the_one_of_the_proxy() {
        assert_eq!(
            client(ForwardedBy::XForwardedFor, &["203.0.113.7", "198.51.100.2"]),
            Ok(Some("198.51.100.2".to_owned()))
        );
    }

    #[test]
    fn an_entry_without_an_address_is_unreadable_and_no_entry_is_nothing() {
        for line in
            ["unknown", "_hidden", "203.0.113.7, unknown", "300.1.1.1", "[2001:db8::1", "203.0.113.7:port"]
        {
            assert_eq!(client(ForwardedBy::XForwardedFor, &[line]), Err(NoAddress), "{line}");
        }
        for line in ["for=unknown", "for=_secret", "proto=https"] {
            assert_eq!(client(ForwardedBy::Forwarded, &[line]), Err(NoAddress), "{line}");
        }
        assert_eq!(client(ForwardedBy::XForwardedFor, &[]), Ok(None));
        assert_eq!(client(ForwardedBy::XForwardedFor, &[" , "]), Ok(None));
    }
}

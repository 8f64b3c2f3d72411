//! The origin of a page, as its browser reports it (RFC 6454).
//!
//! Only browsers report a true origin. So a list of allowed origins keeps foreign pages out, but no
//! other clients.

/// Parses an origin into the form that browsers send: lower case, without a path.
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let plain = !host.is_empty() && !host.contains(['/', '?', '#', '*', ' ']);
    plain.then(|| text.to_ascii_lowercase())
}

/// Parses a comma-separated list of origins. An empty list, or a `*` in it, means any origin and
/// returns an empty list. `Err` is the first part that is not an origin.
pub fn parse_list(list: &str) -> Result<Vec<String>, &str> {
    let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
    if parts.clone().any(|part| part == "*") {
        return Ok(Vec::new());
    }
    parts.map(|part| parse(part).ok_or(part)).collect()
}

/// Whether a page from `origin` may use the service. An empty list allows every page.
pub fn is_allowed(list: &[String], origin: &[u8]) -> bool {
    list.is_empty() || list.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        assert_eq!(parse(" https://A.example:8443").as_deref(), Some("https://a.example:8443"));
        for bad in ["", "*", "null", "a.example", "https://", "https://a.example/", "ftp://a"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_list_is_separated_by_commas_and_a_star_means_any() {
        let list = parse_list(" https://a.example,, https://B.example ").unwrap();
        assert_eq!(list, ["https://a.example", "https://b.example"]);
        assert_eq!(parse_list("").unwrap(), [""; 0]);
        assert_eq!(parse_list("https://a.example,*").unwrap(), [""; 0]);
        assert_eq!(parse_list("https://a.example,b.example"), Err("b.example"));
    }

    #[test]
    fn any_page_is_allowed_if_no_list_is_set() {
        let list = ["https://a.example".to_owned()];
        assert!(is_allowed(&[], b"null") && is_allowed(&list, b"https://A.example"));
        assert!(!is_allowed(&list, b"null") && !is_allowed(&list, b"https://a.example.org"));
    }
}

//! The settings of the visit page.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;

use crate::origin;
use crate::server::regular_file;

/// The flags of the visit page at `/demo/`.
#[derive(Debug, Clone, Default, Args)]
pub struct PageFlags {
    /// Site that may show the page in a frame, such as `https://clinic.example`; repeatable, or a
    /// comma-separated list [default: none]
    #[arg(long, env = "VISIO_FRAME_ANCESTOR", value_name = "ORIGIN", value_delimiter = ',')]
    frame_ancestor: Vec<String>,

    /// Name of the clinic, which the page shows in its header
    #[arg(long, env = "VISIO_PAGE_NAME", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    page_name: Option<String>,

    /// Logo of the clinic: an SVG, PNG or JPEG file of at most 256 KiB
    #[arg(long, env = "VISIO_PAGE_LOGO", value_name = "FILE")]
    page_logo: Option<PathBuf>,

    /// Colour of the page's buttons, such as #0b6e72
    #[arg(long, env = "VISIO_PAGE_COLOR", value_name = "COLOR", value_parser = color)]
    page_color: Option<String>,
}

/// How the page looks, and who may frame it.
#[derive(Debug, Clone, Default)]
pub struct PageConfig {
    /// The origins of sites that may show the page in a frame.
    pub frame_ancestors: Vec<String>,
    /// What the page reads at its start.
    pub settings: PageSettings,
    /// The clinic's logo.
    pub logo: Option<Logo>,
}

/// What the page reads from `settings.json`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageSettings {
    /// Whether nobody joins without a visit token.
    pub tokens: bool,
    /// The clinic's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The logo's address, relative to the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<&'static str>,
    /// The colour of buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// The clinic's logo.
#[derive(Debug, Clone)]
pub struct Logo {
    /// Its media type.
    pub kind: &'static str,
    /// The file's content.
    pub content: Vec<u8>,
}

/// An invalid setting of the page.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PageError {
    /// An invalid origin.
    #[error(
        "--frame-ancestor {0:?}: expected a scheme and a host with nothing after them, such as \
         https://clinic.example"
    )]
    NotAnOrigin(String),
    /// A logo that cannot be shown.
    #[error("--page-logo {0}: expected an SVG, PNG or JPEG file of at most 256 KiB: {1}")]
    Logo(PathBuf, String),
}

/// Where the page finds the logo.
pub const LOGO: &str = "logo";
const MOST_LOGO_BYTES: usize = 256 * 1024;

impl PageFlags {
    /// The configuration; `tokens`: nobody joins without a visit token.
    pub(super) fn resolve(self, tokens: bool) -> Result<PageConfig, PageError> {
        let ancestor = |text: &String| {
            origin::parse(text).ok_or_else(|| PageError::NotAnOrigin(text.trim().into()))
        };
        let typed = self.frame_ancestor.iter().filter(|text| !text.trim().is_empty());
        let frame_ancestors = typed.map(ancestor).collect::<Result<_, _>>()?;
        let logo = self.page_logo.map(read).transpose()?;
        let settings = PageSettings {
            tokens,
            name: self.page_name,
            logo: logo.is_some().then_some(LOGO),
            color: self.page_color,
        };
        Ok(PageConfig { frame_ancestors, settings, logo })
    }
}

fn read(path: PathBuf) -> Result<Logo, PageError> {
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        _ => return Err(PageError::Logo(path, "its name ends otherwise".into())),
    };
    let content = match regular_file::bytes(&path) {
        Ok(content) => content,
        Err(error) => return Err(PageError::Logo(path, error.to_string())),
    };
    if content.len() > MOST_LOGO_BYTES {
        let size = format!("it has {} bytes", content.len());
        return Err(PageError::Logo(path, size));
    }
    Ok(Logo { kind, content })
}

fn color(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let valid = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if valid { Ok(text.to_owned()) } else { Err("expected six hex digits, such as #0b6e72".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ancestor_is_an_origin() {
        let flags = |text: &str| PageFlags {
            frame_ancestor: vec![text.to_owned()],
            ..PageFlags::default()
        };
        let good = flags("https://clinic.example").resolve(false).expect("an origin");
        assert_eq!(good.frame_ancestors, ["https://clinic.example"]);
        for bad in ["clinic.example", "https://clinic.example/page", "*", "https://a; script-src *"]
        {
            let refused = flags(bad).resolve(false).expect_err(bad);
            assert_eq!(refused, PageError::NotAnOrigin(bad.to_owned()));
        }
    }

    #[test]
    fn a_color_is_six_hex_digits() {
        assert_eq!(color("#0b6E72"), Ok("#0b6E72".to_owned()));
        for bad in ["", "#", "red", "#12345", "#1234567", "#12345g", "0b6e72", "#0b6e7é"] {
            assert!(color(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_logo_is_a_picture_that_can_be_read() {
        let refused = |name: &str| read(name.into()).expect_err(name);
        assert!(refused("logo.html").to_string().contains("its name ends otherwise"));
        assert!(refused("there/is/no/such.svg").to_string().contains("--page-logo"));
    }
}

//! `visio load`: it holds visits, measures them, and notices what a server does wrong.

mod faults;
mod meddler;
mod runs;

use serde_json::Value;

use super::output;

/// What the load printed, and its exit code.
struct Ran {
    code: i32,
    report: Value,
    /// Everything that it printed.
    text: String,
}

/// Each group holds one visit, which lasts a few seconds: the next would begin after the second for
/// which visits begin, so that none is late on a busy machine.
const SHORT: [&str; 6] = ["--duration", "1s", "--ramp-up", "0s", "--think", "300ms"];

/// Puts a short load on a server.
async fn load(args: &[&str], variables: &[(&str, &str)]) -> Ran {
    run(&[&SHORT[..], args].concat(), variables).await
}

async fn run(args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let args = [&["load", "--json"], args].concat();
    let (code, out, err) = output(&args, variables).await;
    Ran { code, report: serde_json::from_str(&out).unwrap_or_default(), text: out + &err }
}

impl Ran {
    /// A number of the report.
    fn number(&self, pointer: &str) -> f64 {
        let value = self.report.pointer(pointer).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("{pointer} in {}", self.text))
    }

    /// It failed to begin, with these words.
    fn refuses(&self, code: i32, parts: &[&str]) {
        assert_eq!((self.code, &self.report), (code, &Value::Null), "{}", self.text);
        for part in parts {
            assert!(self.text.contains(part), "{part:?} is not in {}", self.text);
        }
    }
}

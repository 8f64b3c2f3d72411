//! `visio doctor`: each thing that goes wrong is found at its step, and said in a sentence.

mod certificates;
mod network;
mod proxies;
mod servers;
mod visits;

use serde_json::Value;

use super::output;

/// What the doctor printed, and its exit code.
struct Found {
    code: i32,
    text: String,
    report: Value,
}

/// Runs the doctor with these arguments. It prints JSON.
async fn doctor(args: &[&str]) -> Found {
    let (code, text) = printed(&[args, &["--json"]].concat(), &[]).await;
    let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("JSON, not {text:?}"));
    Found { code, text, report }
}

/// The exit code, and everything that was printed.
async fn printed(args: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let (code, out, err) = output(&[&["doctor"], args].concat(), variables).await;
    (code, out + &err)
}

impl Found {
    /// The finding of a step.
    fn step(&self, name: &str) -> &Value {
        let steps = self.report["steps"].as_array().expect("steps");
        steps.iter().find(|it| it["step"] == name).expect("the step")
    }

    fn verdict(&self, name: &str) -> &str {
        self.step(name)["verdict"].as_str().expect("a verdict")
    }

    /// It worked up to this step, which failed, and nothing was asked after it. The sentence and
    /// the advice contain these parts.
    fn fails(&self, name: &str, code: i32, parts: &[&str]) {
        assert_eq!((self.code, &self.report["ok"]), (code, &Value::from(false)), "{}", self.text);
        assert_eq!(self.verdict(name), "failed", "{}", self.text);
        let steps = self.report["steps"].as_array().expect("steps");
        let at = steps.iter().position(|it| it["step"] == name).expect("the step");
        assert!(steps[..at].iter().all(|it| it["verdict"] != "failed"), "{}", self.text);
        self.says(name, parts);
    }

    /// The step is a warning, in which these parts are.
    fn warns(&self, name: &str, parts: &[&str]) {
        assert_eq!((self.code, self.verdict(name)), (0, "warning"), "{}", self.text);
        self.says(name, parts);
    }

    fn says(&self, name: &str, parts: &[&str]) {
        let step = self.step(name);
        let words = format!("{} {}", step["says"], step["advice"]);
        for part in parts {
            assert!(words.contains(part), "{part:?} is not in {words}");
        }
    }
}

//! States as a project file holds them, changed by hand: parameters, strokes.

use serde_json::{Value, json};

/// A saved state, taken apart.
#[derive(Debug, Clone)]
pub struct Project(pub Value);

impl Project {
    /// Of a state as CLAP hosts keep it: a length, then JSON.
    pub fn of_clap(state: &[u8]) -> Self {
        Self(serde_json::from_slice(&state[8..]).expect("the state is JSON behind its length"))
    }

    /// Of a state as VST3 hosts keep it: JSON.
    pub fn of_vst3(state: &[u8]) -> Self {
        Self(serde_json::from_slice(state).expect("the state is JSON"))
    }

    pub fn for_clap(&self) -> Vec<u8> {
        let body = self.for_vst3();
        [&(body.len() as u64).to_le_bytes()[..], &body].concat()
    }

    pub fn for_vst3(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }

    /// Sets a parameter, in its own unit; choices by their names.
    pub fn set(mut self, id: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let kind = match &value {
            Value::Bool(_) => "bool",
            Value::String(_) => "string",
            _ => "f32",
        };
        self.0["params"][id] = json!({ kind: value });
        self
    }

    /// The document inside, parsed.
    pub fn document(&self) -> Value {
        let field = self.0["fields"]["document"].as_str().expect("a document");
        let text: String = serde_json::from_str(field).expect("a text within the text");
        serde_json::from_str(&text).expect("a document is JSON")
    }

    pub fn with_document(mut self, document: &Value) -> Self {
        let text = Value::String(document.to_string()).to_string();
        self.0["fields"]["document"] = text.into();
        self
    }

    pub fn paint(self, strokes: &[Value]) -> Self {
        let mut document = self.document();
        document["strokes"] = strokes.into();
        self.with_document(&document)
    }
}

/// One hard dab over all frequencies at this part of the loop.
pub fn dab(kind: &str, x: f64, radius: f64, strength: f64) -> Value {
    json!({
        "id": 1, "kind": kind, "points": [{"x": x, "y": 5.0, "pressure": 1.0}],
        "radius_time": radius, "radius_octaves": 20.0, "strength": strength, "hardness": 1.0
    })
}

/// Every kind of paint, all over the loop.
pub fn painting() -> Vec<Value> {
    let kinds = ["gain", "blur_time", "blur_freq", "warp_freq", "warp_time", "mod_high"];
    let dab = |(i, kind): (usize, &&str)| {
        let x = (i as f64 + 0.5) / kinds.len() as f64;
        let mut dab = dab(kind, x, 0.1, if i % 2 == 0 { -0.7 } else { 0.6 });
        dab["id"] = (i + 1).into();
        dab["hardness"] = 0.4.into();
        dab
    };
    kinds.iter().enumerate().map(dab).collect()
}

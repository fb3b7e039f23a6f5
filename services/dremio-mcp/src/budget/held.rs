//! Texts on their way out.

use bytes::Bytes;

use super::pool::Charge;

/// A text on its way out, with the room that it takes.
#[derive(Debug)]
pub(crate) struct Held {
    text: String,
    charge: Charge,
}

impl Charge {
    /// `text` with this as its room.
    pub(crate) fn hold(self, text: String) -> Held {
        Held { text, charge: self }
    }
}

impl Held {
    /// The text without its room.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// The texts as one JSON array, with the room of all of them.
    pub(crate) fn array(elements: Vec<Self>) -> Self {
        let mut text = String::with_capacity(
            elements.iter().map(|element| element.text.len() + 1).sum::<usize>() + 1,
        );
        let mut charge = Charge::free();
        for element in elements {
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&element.text);
            charge.absorb(element.charge);
        }
        text.push(']');
        Self { text, charge }
    }

    /// The text in another form of about the same size, with the same room.
    pub(crate) fn map(self, form: impl FnOnce(&str) -> String) -> Self {
        Self { text: form(&self.text), charge: self.charge }
    }

    /// The bytes of the text. The room is released with the last copy of them.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// A text of the gateway's own, which is short and not counted.
impl From<String> for Held {
    fn from(text: String) -> Self {
        Charge::free().hold(text)
    }
}

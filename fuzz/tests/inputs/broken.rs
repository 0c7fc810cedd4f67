//! Reduces an input that breaks a promise to the bytes that matter.

use std::panic::catch_unwind;

/// The message of the promise that this input breaks.
pub(crate) fn promise(target: fn(&[u8]), input: &[u8]) -> Option<String> {
    let payload = catch_unwind(|| target(input)).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .or_else(|| Some("a panic".into()))
}

/// Removes ever smaller pieces, as long as the rest still breaks a promise.
pub(crate) fn reduce(target: fn(&[u8]), mut input: Vec<u8>) -> Vec<u8> {
    let mut piece = input.len();
    while piece > 0 {
        let (mut at, mut is_shorter) = (0, false);
        while at < input.len() {
            let mut rest = input.clone();
            rest.drain(at..(at + piece).min(input.len()));
            if promise(target, &rest).is_some() {
                (input, is_shorter) = (rest, true);
            } else {
                at += piece;
            }
        }
        // A removed byte can make another one removable.
        if piece > 1 || !is_shorter {
            piece /= 2;
        }
    }
    input
}

#[test]
fn an_input_is_reduced_to_the_bytes_that_break_the_promise() {
    fn no_fault(_: &[u8]) {}
    fn no_comment_in_a_list(input: &[u8]) {
        let list = input.iter().position(|byte| *byte == b'[');
        assert!(list.is_none_or(|at| !input[at..].contains(&b'#')), "a comment in a list");
    }
    let input = b"scope = \"spring\"\nextras = [\n  \"store\", # where\n  \"plan\",\n]\n".to_vec();
    assert_eq!(promise(no_fault, &input), None);
    assert_eq!(promise(no_comment_in_a_list, &input).unwrap(), "a comment in a list");
    assert_eq!(reduce(no_comment_in_a_list, input), b"[#");
}

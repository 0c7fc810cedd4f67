//! What breaks a promise, cut down to the bytes that it takes.

use std::panic::catch_unwind;

/// The promise that a target says is broken by this input.
pub(crate) fn promise(target: fn(&[u8]), input: &[u8]) -> Option<String> {
    let payload = catch_unwind(|| target(input)).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .or_else(|| Some("a panic".into()))
}

/// Leaves out what can be left out, in ever smaller pieces, as long as the rest breaks a promise.
pub(crate) fn cut_down(target: fn(&[u8]), mut input: Vec<u8>) -> Vec<u8> {
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
        // What was cut away may have been all that kept something else in place.
        if piece > 1 || !is_shorter {
            piece /= 2;
        }
    }
    input
}

#[test]
fn what_breaks_a_promise_is_cut_down_to_the_bytes_that_it_takes() {
    fn no_fault(_: &[u8]) {}
    fn no_comment_in_a_list(input: &[u8]) {
        let list = input.iter().position(|byte| *byte == b'[');
        assert!(list.is_none_or(|at| !input[at..].contains(&b'#')), "a comment in a list");
    }
    let input = b"scope = \"spring\"\nextras = [\n  \"store\", # where\n  \"plan\",\n]\n".to_vec();
    assert_eq!(promise(no_fault, &input), None);
    assert_eq!(promise(no_comment_in_a_list, &input).unwrap(), "a comment in a list");
    assert_eq!(cut_down(no_comment_in_a_list, input), b"[#");
}

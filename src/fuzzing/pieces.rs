//! Takes an input apart.

/// Takes an input apart: how it is cut, and what is cut. The first byte says how many cuts there
/// are, as many bytes where they lie.
pub(super) fn pieces(input: &[u8]) -> Vec<&[u8]> {
    let Some((count, rest)) = input.split_first() else {
        return Vec::new();
    };
    let cuts = usize::from(count % 8).min(rest.len());
    let (cuts, mut rest) = rest.split_at(cuts);
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    for cut in cuts {
        // Most inputs are short: small distances are the likely ones.
        let (piece, after) = rest.split_at(usize::from(*cut).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    // A read that brings nothing is the end of a connection.
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

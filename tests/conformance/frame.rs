//! Frames as bytes, because the client library refuses to send these.

/// A frame of a client (RFC 6455, section 5.2) with this first byte. Its mask is zero, so the
/// payload is unchanged.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            let length = u16::try_from(payload.len()).expect("at most 65,535 bytes");
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

// The messages of the protocol are types only; see messages.d.ts.
export {};

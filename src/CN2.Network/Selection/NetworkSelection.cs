using CN2.Network.Collections;

namespace CN2.Network.Selection;

/// <summary>
/// The networks that a Service may get its addresses from, the best first. The caller takes the first one with a free address of the family.
/// When there is none, <see cref="Reason"/> (of a condition) and <see cref="Message"/> say why.
/// </summary>
public sealed record NetworkSelection(EquatableList<NetworkCandidate> Candidates, string? Reason, string? Message);

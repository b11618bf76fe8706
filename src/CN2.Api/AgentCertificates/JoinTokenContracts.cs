namespace CN2.Api.AgentCertificates;

/// <summary>A join token, which an agent exchanges for its certificate once.</summary>
/// <param name="Token">The secret. It is answered once; null in the answer to a dry run and to a repeat of an Idempotency-Key.</param>
/// <param name="ExpiresAt">One hour after it was made.</param>
/// <param name="CaHash">By which the agent knows the CA of the agents' certificates: SHA-256 of its SubjectPublicKeyInfo.</param>
/// <param name="Command">What to run on the node. The host of `--server` is the one that this request was sent to; use another one where agents reach the server by another. `--ca-file`, when it is there, is the CA of the server's certificate: copy that to the node.</param>
public sealed record JoinTokenBody(string? Token, DateTimeOffset ExpiresAt, string CaHash, string Command);

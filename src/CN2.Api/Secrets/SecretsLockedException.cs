namespace CN2.Api.Secrets;

/// <summary>This replica can protect no secret, because it cannot read the key ring. The message tells the operator what to do.</summary>
public sealed class SecretsLockedException(string message) : Exception(message);

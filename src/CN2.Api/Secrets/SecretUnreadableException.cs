namespace CN2.Api.Secrets;

/// <summary>A secret in the database that this replica cannot read. The message tells the operator what to do, and has nothing of the secret.</summary>
public sealed class SecretUnreadableException(string message, Exception? inner = null) : Exception(message, inner);

namespace CN2.Api.Json;

/// <summary>A stored document is no document of this type: bad JSON, a wrong type, an unknown word.</summary>
public sealed class DocumentUnreadableException(string message, Exception? inner = null) : Exception(message, inner);

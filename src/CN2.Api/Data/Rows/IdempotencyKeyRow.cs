namespace CN2.Api.Data.Rows;

/// <summary>The stored answer of a POST, for 24 h: a repeated POST with the same key gets it again.</summary>
public sealed class IdempotencyKeyRow
{
    public required string Key { get; set; }
    public required string Path { get; set; }
    public required byte[] BodyHash { get; set; }
    public int StatusCode { get; set; }
    public string? Location { get; set; }
    public string? ETag { get; set; }
    public required string Body { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
}

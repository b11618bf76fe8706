using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Fixtures;

/// <summary>An answer, read.</summary>
public sealed record Reply(int Status, JsonNode? Json, string? ContentType, string? ETag, string? Location, string? RetryAfter, string Text)
{
    public string? Code => (string?)Json?["code"];

    /// <summary>The paths named in a 400's <c>errors</c>, in order.</summary>
    public IReadOnlyList<string> ErrorPaths => [.. (Json?["errors"]?.AsObject() ?? []).Select(p => p.Key)];

    /// <summary>The reason of the condition of this type in the resource's status.</summary>
    public string? ReasonOf(string type) => (string?)Condition(Json, type)?["reason"];

    /// <summary>The condition of this type in a resource's status; null if it has none.</summary>
    public static JsonNode? Condition(JsonNode? resource, string type) =>
        resource?["status"]?["conditions"]?.AsArray().SingleOrDefault(c => (string?)c!["type"] == type);

    public Reply Expect(int status)
    {
        Assert.True(Status == status, $"expected {status}, got {Status}: {Text}");
        return this;
    }
}

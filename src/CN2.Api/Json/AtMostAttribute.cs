namespace CN2.Api.Json;

/// <summary>
/// The most items of a list or map, or characters of a text, that a request may have in this member. The check of requests and the
/// OpenAPI document read it; the numbers are those of <see cref="Network.Resources.Limits"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AtMostAttribute(int count) : Attribute
{
    public int Count { get; } = count;
}

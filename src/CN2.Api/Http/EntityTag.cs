using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace CN2.Api.Http;

/// <summary>ETag and If-Match: the quoted generation, compared strongly (docs/contract.md §2).</summary>
public static class EntityTag
{
    public static string Of(long generation) => string.Create(CultureInfo.InvariantCulture, $"\"{generation}\"");

    /// <summary>
    /// Compares the request's If-Match with the generation of a resource (null: the resource does not exist). Null: continue. A weak tag
    /// never matches; a value that is not a list of tags is a 400.
    /// </summary>
    public static ApiProblem? Check(HttpRequest request, long? generation)
    {
        var header = request.Headers.IfMatch;
        if (header.Count == 0) return null;
        if (!EntityTagHeaderValue.TryParseStrictList(header, out var tags) || tags.Count == 0)
            return ApiProblem.Validation("If-Match", "must be a quoted generation such as \"3\", a list of them, or *");
        if (generation is null) return ApiProblem.PreconditionFailed("If-Match was given, but the resource does not exist.");
        var current = Of(generation.Value);
        return tags.Any(t => t.Tag == "*" || (!t.IsWeak && t.Tag == current))
            ? null
            : ApiProblem.PreconditionFailed($"If-Match does not name the current generation, which is {current}; read the resource again and repeat the change on it.");
    }
}

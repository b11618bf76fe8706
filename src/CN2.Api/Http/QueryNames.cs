namespace CN2.Api.Http;

/// <summary>Refuses unknown query parameters, because they are typos: <c>?dryrn=true</c> must not write, and <c>?limt=1</c> must not list everything.</summary>
public static class QueryNames
{
    /// <summary>Adds a fault for each parameter of the request that is not one of <paramref name="known"/>.</summary>
    public static void Check(HttpRequest request, FaultList faults, params ReadOnlySpan<string> known)
    {
        foreach (var name in request.Query.Keys)
        {
            var found = false;
            foreach (var one in known) found |= string.Equals(one, name, StringComparison.OrdinalIgnoreCase);
            if (!found) faults.Add(name, $"is not a query parameter here; there {(known.Length == 1 ? "is" : "are")} {string.Join(", ", known)}");
        }
    }
}

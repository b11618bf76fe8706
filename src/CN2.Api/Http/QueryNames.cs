namespace CN2.Api.Http;

/// <summary>
/// Refuses unknown query parameters, because they are typos: <c>?dryrn=true</c> must not write, and <c>?limt=1</c> must not list everything.
/// Refuses empty ones and repeated ones too: a script whose variable is empty sends <c>?labelSelector=</c>, and must not get everything.
/// </summary>
public static class QueryNames
{
    /// <summary>Adds a fault for each parameter of the request that is not one of <paramref name="known"/>, is empty, or is there twice.</summary>
    public static void Check(HttpRequest request, FaultList faults, params ReadOnlySpan<string> known)
    {
        foreach (var (name, values) in request.Query)
        {
            var found = false;
            foreach (var one in known) found |= string.Equals(one, name, StringComparison.OrdinalIgnoreCase);
            if (!found) faults.Add(name, $"is not a query parameter here; there {(known.Length == 1 ? "is" : "are")} {string.Join(", ", known)}");
            else if (values.Count != 1) faults.Add(name, "must be given once");
            else if (string.IsNullOrWhiteSpace(values[0])) faults.Add(name, "must not be empty; leave it out for no restriction");
        }
    }
}

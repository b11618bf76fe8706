using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Wire;

/// <summary>What became of the body of a request. A closed set.</summary>
public abstract record BodyResult
{
    private BodyResult()
    {
    }

    /// <summary>It was read.</summary>
    /// <param name="Object">The object.</param>
    /// <param name="Faults">What a strict reader refuses and others only warn of, as Kubernetes says it: <c>duplicate field "spec.type"</c>. At most <see cref="CN2.Network.Resources.Limits.Faults"/>.</param>
    public sealed record Read(JsonObject Object, IReadOnlyList<string> Faults) : BodyResult;

    /// <summary>It cannot be read.</summary>
    /// <param name="Status">400, or 415 for a content type that is not taken.</param>
    /// <param name="Message">A sentence that says why.</param>
    public sealed record Refused(int Status, string Message) : BodyResult;
}

using System.Text.Json.Nodes;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Wire;

/// <summary>What reading a body has found so far: strict faults, how many values there are, and the reason to give up.</summary>
internal sealed class Findings
{
    /// <summary>The most values of one body: an object of any kind has far fewer, and each costs memory.</summary>
    public const int MostValues = 65_536;

    private readonly List<string> _faults = [];
    private int _values;

    public IReadOnlyList<string> Faults => _faults;

    /// <summary>Why the body cannot be read; null: it can, so far.</summary>
    public string? Refusal { get; private set; }

    public void Fault(string sentence)
    {
        if (_faults.Count < Limits.Faults) _faults.Add(sentence);
    }

    /// <summary>Gives up; the first reason stays.</summary>
    public void Refuse(string sentence) => Refusal ??= sentence;

    /// <summary>One more value.</summary>
    /// <param name="depth">How many objects and lists are around it.</param>
    /// <returns>False: there are too many, or it is too deep, and the body is refused.</returns>
    public bool Count(int depth)
    {
        if (depth > Limits.Nesting) Refuse($"the body has more than {Limits.Nesting} levels");
        else if (++_values > MostValues) Refuse($"the body has more than {MostValues} values");
        return Refusal is null;
    }

    /// <param name="node">What was read.</param>
    public BodyResult Result(JsonNode? node) =>
        Refusal is not null ? new BodyResult.Refused(400, Refusal)
        : node is JsonObject read ? new BodyResult.Read(read, Faults)
        : new BodyResult.Refused(400, "the body must be an object");
}

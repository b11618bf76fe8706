using System.Text.Json.Nodes;

namespace CN2.Model.Tests.Clients;

/// <summary>
/// What the one client that writes a Service knows of it from answers: what it holds now must stay held until the client asks
/// otherwise.
/// </summary>
internal sealed class OwnedService(string ns, string name)
{
    private readonly HashSet<string> _held = [];
    private readonly HashSet<string> _mayGo = [];
    private readonly Dictionary<string, int> _nodePorts = [];
    private readonly Queue<string> _answers = new();

    /// <summary>What the last request asks to give up, until it is answered.</summary>
    private Predicate<string> _asksToLeave = _ => false;

    public string Namespace => ns;
    public string Name => name;
    public string Path => $"/v1/namespaces/{ns}/services/{name}";

    /// <summary>Null: it does not exist. Otherwise what was last sent.</summary>
    public JsonObject? Spec { get; private set; }

    public string? Uid { get; private set; }

    /// <summary>No answer came: the next reading decides.</summary>
    public bool Unknown { get; set; }

    /// <summary>A deletion was accepted; it must go by itself.</summary>
    public bool Leaving { get; set; }

    public bool Exists => Spec is not null && !Leaving && !Unknown;

    public IReadOnlyCollection<string> Held => _held;

    /// <summary>Before a request that asks for it: the addresses that may be given up from now on and could not before.</summary>
    public HashSet<string> PutAtRisk(JsonObject after)
    {
        var before = Spec;
        if (before is null) return [];
        var asked = (after["loadBalancerIPs"] as JsonArray)?.Select(a => (string)a!).ToList() ?? [];
        var moves = (string?)before["type"] != (string?)after["type"] || (string?)before["externalNetwork"] != (string?)after["externalNetwork"] || asked.Exists(a => !_held.Contains(a));
        var families = FamiliesOf(after);
        _asksToLeave = a => (moves && !IsClusterIP(a)) || !families.Contains(FamilyOf(a));
        var risk = _held.Where(a => _asksToLeave(a) && !_mayGo.Contains(a)).ToHashSet();
        _mayGo.UnionWith(risk);
        return risk;
    }

    /// <summary>The request was refused: what it put at risk stays.</summary>
    public void Stays(IEnumerable<string> addresses)
    {
        _mayGo.ExceptWith(addresses);
        _asksToLeave = _ => false;
    }

    public void Gone()
    {
        Spec = null;
        Uid = null;
        Leaving = Unknown = false;
        _held.Clear();
        _mayGo.Clear();
        _asksToLeave = _ => false;
        _nodePorts.Clear();
        _answers.Clear();
    }

    /// <summary>Takes an answer over; answers what it breaks.</summary>
    public string? Observe(JsonObject answer, JsonObject? sent)
    {
        if (sent is not null) Spec = (JsonObject)sent.DeepClone();
        if (Spec is null || (sent is null && Unknown)) Spec = (JsonObject)answer.DeepClone();
        Unknown = false;
        var status = answer["status"]!;
        var now = status["clusterIPs"]!.AsArray().Concat(status["externalIPs"]!.AsArray()).Select(a => (string)a!).ToHashSet();
        var lost = _held.Where(a => !now.Contains(a) && !_mayGo.Contains(a)).ToList();
        // It may have been served between its last answer and the request: what the request gave up need not have been seen.
        _mayGo.UnionWith(now.Where(a => !_held.Contains(a) && _asksToLeave(a)));
        _asksToLeave = _ => false;
        var uid = (string)answer["uid"]!;
        var condition = status["conditions"]!.AsArray().First(c => (string?)c!["type"] == "Allocated")!;
        var allocated = (string?)condition["status"] == "True" && (long)condition["observedGeneration"]! == (long)answer["generation"]!;
        if (_answers.Count == 8) _answers.Dequeue();
        _answers.Enqueue($"{(sent is null ? "read" : "written")}: generation {answer["generation"]} in {answer["externalNetwork"]}, holds {string.Join(", ", now)}, Allocated {allocated}, may lose {string.Join(", ", _mayGo)}");
        var fault = Uid is not null && Uid != uid ? $"{ns}/{name} is another Service now" : lost.Count > 0 ? $"{ns}/{name} held {string.Join(", ", _held)} and now holds {string.Join(", ", now)}: {answer.ToJsonString()}\n  {string.Join("\n  ", _answers)}" : null;
        Uid = uid;
        _held.Clear();
        _held.UnionWith(now);
        // Allocated: whatever was to change has changed, from now on everything stays.
        if (allocated) _mayGo.Clear();
        var ports = answer["ports"]!.AsArray().Where(p => p!["nodePort"] is not null).ToDictionary(p => $"{p!["protocol"]}/{p["port"]}", p => (int)p!["nodePort"]!);
        foreach (var (port, number) in _nodePorts)
        {
            if (ports.TryGetValue(port, out var other) && other != number && sent is null) fault ??= $"{ns}/{name}: node port of {port} was {number} and is {other}";
        }

        _nodePorts.Clear();
        foreach (var (port, number) in ports) _nodePorts[port] = number;
        return fault;
    }

    private static bool IsClusterIP(string address) => address.StartsWith("10.233.", StringComparison.Ordinal) || address.StartsWith("fd85:", StringComparison.Ordinal);

    private static int FamilyOf(string address) => address.Contains(':', StringComparison.Ordinal) ? 6 : 4;

    private static HashSet<int> FamiliesOf(JsonObject spec)
    {
        var families = (spec["ipFamilies"] as JsonArray)?.Select(f => (string?)f == "IPv6" ? 6 : 4).ToHashSet() ?? [4];
        if ((string?)spec["ipFamilyPolicy"] is "PreferDualStack" or "RequireDualStack") families = [4, 6];
        return families;
    }
}

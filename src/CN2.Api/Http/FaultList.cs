using System.Collections;
using CN2.Network.Resources;

namespace CN2.Api.Http;

/// <summary>
/// The faults of one request, in the order they were found: each once, and of many the first <see cref="Limits.Faults"/>; the others are
/// only counted. Adding one costs the same however many there are.
/// </summary>
public sealed class FaultList : IReadOnlyCollection<Fault>
{
    private readonly List<Fault> _faults = [];
    private readonly HashSet<Fault> _known = [];
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal);

    /// <summary>How many were found, those that are not listed included.</summary>
    public int Found { get; private set; }

    /// <summary>So many that nobody needs the rest: a reader of the body stops to look for more.</summary>
    public bool IsEnough => Found >= 10 * Limits.Faults;

    /// <summary>How many are listed.</summary>
    public int Count => _faults.Count;

    public void Add(string path, string message)
    {
        var fault = new Fault(path.Length == 0 ? "$" : path, message);
        if (_known.Contains(fault)) return;
        Found++;
        if (_faults.Count == Limits.Faults) return;
        _faults.Add(fault);
        _known.Add(fault);
        _paths.Add(fault.Path);
    }

    public void AddAll(IEnumerable<(string Path, string Message)> faults)
    {
        foreach (var (path, message) in faults) Add(path, message);
    }

    /// <summary>True when the list names the member, or a member that contains it.</summary>
    public bool Covers(string path)
    {
        if (_paths.Count == 0) return false;
        if (_paths.Contains(path)) return true;
        var paths = _paths.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var end = path.Length - 1; end > 0; end--)
        {
            if (path[end] is '.' or '[' && paths.Contains(path.AsSpan(0, end))) return true;
        }

        return false;
    }

    /// <summary>The messages by path; of those that are not listed, the number stands at <c>$</c>.</summary>
    public Dictionary<string, string[]> ToDictionary()
    {
        var errors = _faults.GroupBy(f => f.Path, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Select(f => f.Message).ToArray(), StringComparer.Ordinal);
        if (Found > Count) errors["$"] = [.. errors.GetValueOrDefault("$") ?? [], $"and {Found - Count} more{(IsEnough ? " at least" : "")}"];
        return errors;
    }

    public IEnumerator<Fault> GetEnumerator() => _faults.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

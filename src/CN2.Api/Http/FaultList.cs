using System.Collections;

namespace CN2.Api.Http;

/// <summary>All faults of one request, in the order they were found.</summary>
public sealed class FaultList : IReadOnlyCollection<Fault>
{
    private readonly List<Fault> _faults = [];

    public int Count => _faults.Count;

    public void Add(string path, string message)
    {
        var fault = new Fault(path.Length == 0 ? "$" : path, message);
        if (!_faults.Contains(fault)) _faults.Add(fault);
    }

    /// <summary>True when the list names the member, or a member that contains it.</summary>
    public bool Covers(string path) => _faults.Exists(f =>
        path == f.Path || (path.Length > f.Path.Length && path.StartsWith(f.Path, StringComparison.Ordinal) && (path[f.Path.Length] is '.' or '[')));

    public Dictionary<string, string[]> ToDictionary() =>
        _faults.GroupBy(f => f.Path, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Select(f => f.Message).ToArray(), StringComparer.Ordinal);

    public IEnumerator<Fault> GetEnumerator() => _faults.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

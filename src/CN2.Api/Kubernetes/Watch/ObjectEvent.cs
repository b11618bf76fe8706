using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Lists;

namespace CN2.Api.Kubernetes.Watch;

/// <summary>
/// What became of an object. All watchers share it: it is written once in each form that one of them wants. Its methods may be called by several threads.
/// </summary>
/// <param name="change">The row of the feed that it was made of.</param>
/// <param name="verb">Added, when one of the rows that it stands for says so.</param>
/// <param name="uid">Of the object.</param>
/// <param name="source">The object as it is now, or the last state of a deleted one.</param>
internal sealed class ObjectEvent(ChangeRow change, ChangeVerb verb, Guid uid, JsonObject source)
{
    private readonly Lock _lock = new();
    private readonly string? _namespace = source["metadata"]!["namespace"]?.GetValue<string>();
    private readonly Dictionary<(ObjectForm Form, bool HasColumns), byte[]> _written = [];

    public ChangeRow Change => change;

    public ChangeVerb Verb => verb;

    public Guid Uid => uid;

    /// <summary>What it takes in a queue, roughly; bytes.</summary>
    public int Size { get; } = source.ToJsonString().Length;

    /// <summary>The object belongs to the namespace; null: all do.</summary>
    public bool IsIn(string? ns) => ns is null || _namespace == ns;

    public bool Matches(ObjectSelector selector)
    {
        if (selector.IsEverything) return true;
        lock (_lock) return selector.Matches(source);
    }

    /// <summary>The object in a form.</summary>
    /// <param name="form">The form.</param>
    /// <param name="hasColumns">A Table names its columns: the first event of a watch.</param>
    /// <param name="write">Writes an object in this form.</param>
    public byte[] Write(ObjectForm form, bool hasColumns, Func<JsonObject, bool, byte[]> write)
    {
        lock (_lock)
        {
            if (_written.TryGetValue((form, hasColumns), out var known)) return known;
            return _written[(form, hasColumns)] = write(source, hasColumns);
        }
    }
}

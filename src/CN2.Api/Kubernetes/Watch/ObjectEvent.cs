using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Watch;

/// <summary>
/// What became of an object. All watchers share it: it is written once in each form that one of them wants. Until a slow watcher takes it, it is kept as
/// JSON and not as nodes, which are many times as large. Its methods may be called by several threads.
/// </summary>
internal sealed class ObjectEvent
{
    private readonly Lock _lock = new();
    private readonly string? _namespace;
    private readonly string? _owner;
    private readonly byte[] _body;
    private readonly JsonObject _selectable;
    private readonly Dictionary<(ObjectForm Form, bool HasColumns), byte[]> _written = [];

    /// <param name="change">The row of the feed that it was made of.</param>
    /// <param name="verb">Added, when one of the rows that it stands for says so.</param>
    /// <param name="uid">Of the object.</param>
    /// <param name="source">The object as it is now, or the last state of a deleted one.</param>
    /// <param name="resource">Its kind.</param>
    public ObjectEvent(ChangeRow change, ChangeVerb verb, Guid uid, JsonObject source, ResourceDefinition resource)
    {
        (Xid, Id, Verb, Uid) = (change.Xid, change.Id, verb, uid);
        _owner = change.Kind == ResourceKind.Namespace ? change.Name : change.Namespace;
        _namespace = source["metadata"]!["namespace"]?.GetValue<string>();
        _body = FormWriter.Bytes(json => source.WriteTo(json));
        _selectable = SelectableFields.PartOf(source, resource);
    }

    /// <summary>The transaction of the change.</summary>
    public ulong Xid { get; }

    /// <summary>The place of the change in the feed.</summary>
    public long Id { get; }

    public ChangeVerb Verb { get; }

    public Guid Uid { get; }

    /// <summary>What it takes in a queue, roughly; bytes.</summary>
    public int Size => _body.Length;

    /// <summary>A change may be about objects of the scope. A resource without a namespace may be shown as an object with one, to those who see everything.</summary>
    public static bool MayBeIn(NamespaceScope scope, ChangeRow row) => scope.Visible is null
        ? scope.Namespace is null || row.Namespace is null || row.Namespace == scope.Namespace
        : scope.Visible.Contains((row.Kind == ResourceKind.Namespace ? row.Name : row.Namespace) ?? "");

    /// <summary>The object belongs to the scope.</summary>
    public bool IsIn(NamespaceScope scope) =>
        (scope.Namespace is null || _namespace == scope.Namespace) && (scope.Visible is null || (_owner is not null && scope.Visible.Contains(_owner)));

    public bool Matches(ObjectSelector selector)
    {
        if (selector.IsEverything) return true;
        lock (_lock) return selector.Matches(_selectable);
    }

    /// <summary>The object in a form.</summary>
    /// <param name="form">The form.</param>
    /// <param name="hasColumns">A Table names its columns: the first event of a watch.</param>
    /// <param name="write">Writes an object in this form.</param>
    public byte[] Write(ObjectForm form, bool hasColumns, Func<JsonObject, bool, byte[]> write)
    {
        if (form is ObjectForm.Whole) return _body;
        lock (_lock)
        {
            if (_written.TryGetValue((form, hasColumns), out var known)) return known;
            return _written[(form, hasColumns)] = write((JsonObject)JsonNode.Parse(_body)!, hasColumns);
        }
    }
}

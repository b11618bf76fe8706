using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>
/// A set of fields of an object, such as those that a manager owns. Immutable. A field and the fields inside of it are in it independently of
/// each other.
/// </summary>
public sealed class FieldSet : IEquatable<FieldSet>
{
    /// <summary>Fields that one set read from JSON may name.</summary>
    public const int MaxFields = 50_000;

    public static readonly FieldSet Empty = new([]);

    /// <summary>Sorted, and each says something.</summary>
    private readonly Node[] _nodes;

    internal FieldSet(Node[] nodes) => _nodes = nodes;

    /// <summary>An element, whether it is in the set itself, and what is below it.</summary>
    internal readonly record struct Node(PathElement Element, bool IsMember, FieldSet Below);

    public bool IsEmpty => _nodes.Length == 0;

    public static FieldSet Of(params IEnumerable<IReadOnlyList<PathElement>> paths)
    {
        var builder = new FieldSetBuilder();
        foreach (var path in paths) builder.Add(path);
        return builder.ToSet();
    }

    /// <summary>The set with this one path of members.</summary>
    public static FieldSet OfFields(params IReadOnlyList<string> names) => Of([[.. names.Select(PathElement.OfField)]]);

    public FieldSet Union(FieldSet other) => Combine(this, other, (a, b) => a || b, (a, b) => a.Union(b));

    public FieldSet Intersect(FieldSet other) => Combine(this, other, (a, b) => a && b, (a, b) => a.Intersect(b));

    /// <summary>The fields that are not in the other set. What is below a field of the other set stays.</summary>
    public FieldSet Except(FieldSet other) => Combine(this, other, (a, b) => a && !b, (a, b) => a.Except(b));

    /// <summary>The fields of which neither they themselves nor one above is in the other set.</summary>
    public FieldSet ExceptWhole(FieldSet other)
    {
        if (IsEmpty || other.IsEmpty) return this;
        var kept = new List<Node>(_nodes.Length);
        foreach (var node in _nodes)
        {
            if (other.Find(node.Element) is not { } there) kept.Add(node);
            else if (!there.IsMember && node.Below.ExceptWhole(there.Below) is var below && (node.IsMember || !below.IsEmpty)) kept.Add(node with { Below = below });
        }

        return new FieldSet([.. kept]);
    }

    private static FieldSet Combine(FieldSet a, FieldSet b, Func<bool, bool, bool> isMember, Func<FieldSet, FieldSet, FieldSet> below)
    {
        if (a.IsEmpty && b.IsEmpty) return Empty;
        var nodes = new List<Node>(Math.Max(a._nodes.Length, b._nodes.Length));
        for (int i = 0, j = 0; i < a._nodes.Length || j < b._nodes.Length;)
        {
            var order = i >= a._nodes.Length ? 1 : j >= b._nodes.Length ? -1 : a._nodes[i].Element.CompareTo(b._nodes[j].Element);
            var left = order <= 0 ? a._nodes[i++] : new Node(b._nodes[j].Element, false, Empty);
            var right = order >= 0 ? b._nodes[j++] : new Node(left.Element, false, Empty);
            var node = new Node(left.Element, isMember(left.IsMember, right.IsMember), below(left.Below, right.Below));
            if (node.IsMember || !node.Below.IsEmpty) nodes.Add(node);
        }

        return nodes.Count == 0 ? Empty : new FieldSet([.. nodes]);
    }

    private Node? Find(PathElement element)
    {
        int low = 0, high = _nodes.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = _nodes[middle].Element.CompareTo(element);
            if (order == 0) return _nodes[middle];
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    /// <summary>The element itself is in the set.</summary>
    public bool Contains(PathElement element) => Find(element)?.IsMember ?? false;

    public bool Contains(IReadOnlyList<PathElement> path)
    {
        var set = this;
        for (var i = 0; i < path.Count - 1; i++) set = set.Below(path[i]);
        return path.Count > 0 && set.Contains(path[^1]);
    }

    /// <summary>What the set has inside of an element.</summary>
    public FieldSet Below(PathElement element) => Find(element)?.Below ?? Empty;

    /// <summary>Every field as the elements from the object down to it: those of a level before those inside of them.</summary>
    public IEnumerable<IReadOnlyList<PathElement>> Paths()
    {
        foreach (var node in _nodes)
        {
            if (node.IsMember) yield return [node.Element];
        }

        foreach (var node in _nodes)
        {
            foreach (var path in node.Below.Paths()) yield return [node.Element, .. path];
        }
    }

    /// <summary>
    /// With the named members that are there because something inside of them is. When the last field in <c>spec</c> goes, <c>spec</c> goes too.
    /// </summary>
    internal FieldSet WithNamedMembers(Schema? schema) => new([.. _nodes.Select(n => new Node(
        n.Element,
        n.IsMember || (n.Element.Kind == PathElementKind.Field && SchemaSteps.Names(schema, n.Element.Name)),
        n.Below.IsEmpty ? Empty : n.Below.WithNamedMembers(SchemaSteps.Below(schema, n.Element))))]);

    /// <summary>As fieldsV1.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject();
        foreach (var node in _nodes)
        {
            var inner = node.Below.ToJson();
            if (node.IsMember && inner.Count > 0) inner.Insert(0, ".", new JsonObject());
            json[node.Element.ToFieldsV1()] = inner;
        }

        return json;
    }

    /// <summary>Reads fieldsV1. Null: it is none, or names too much. Members of a kind that is not known are left out.</summary>
    public static FieldSet? Parse(JsonNode? fieldsV1)
    {
        if (fieldsV1 is not JsonObject members || JsonForm.FaultOf(fieldsV1) is not null) return null;
        var builder = new FieldSetBuilder();
        var left = MaxFields;
        return Read(members, builder, ref left) ? builder.ToSet() : null;
    }

    private static bool Read(JsonObject members, FieldSetBuilder builder, ref int left)
    {
        foreach (var (name, value) in members)
        {
            if (--left < 0) return false;
            if (name == ".") continue;
            if (value is not JsonObject inner || !PathElement.TryParse(name, out var element)) return false;
            if (element is null) continue;
            var below = builder.Below(element);
            if (inner.Count == 0 || inner.ContainsKey(".")) below.IsMember = true;
            if (!Read(inner, below, ref left)) return false;
        }

        return true;
    }

    public bool Equals(FieldSet? other) =>
        other is not null && (ReferenceEquals(this, other) || _nodes.AsSpan().SequenceEqual(other._nodes));

    public override bool Equals(object? obj) => Equals(obj as FieldSet);

    public override int GetHashCode() => _nodes.Length == 0 ? 0 : HashCode.Combine(_nodes.Length, _nodes[0].Element);

    public override string ToString() => ToJson().ToJsonString();
}

/// <summary>A field set while it is made.</summary>
internal sealed class FieldSetBuilder
{
    private Dictionary<PathElement, FieldSetBuilder>? _below;

    /// <summary>The field that this stands for is in the set.</summary>
    public bool IsMember { get; set; }

    public FieldSetBuilder Below(PathElement element)
    {
        _below ??= [];
        if (!_below.TryGetValue(element, out var inner)) _below[element] = inner = new FieldSetBuilder();
        return inner;
    }

    public void Add(IReadOnlyList<PathElement> path)
    {
        var at = this;
        foreach (var element in path) at = at.Below(element);
        at.IsMember = path.Count > 0;
    }

    public FieldSet ToSet()
    {
        if (_below is null) return FieldSet.Empty;
        var nodes = new List<FieldSet.Node>(_below.Count);
        foreach (var (element, inner) in _below)
        {
            var set = inner.ToSet();
            if (inner.IsMember || !set.IsEmpty) nodes.Add(new FieldSet.Node(element, inner.IsMember, set));
        }

        nodes.Sort((a, b) => a.Element.CompareTo(b.Element));
        return nodes.Count == 0 ? FieldSet.Empty : new FieldSet([.. nodes]);
    }
}

using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>An object after <see cref="ObjectCheck"/>.</summary>
/// <param name="Object">A copy with its defaults, and without fields that its form does not have.</param>
/// <param name="Unknown">A sentence for each of those, such as <c>unknown field "spec.foo"</c>: fieldValidation=Strict refuses the object, Warn warns, Ignore says nothing.</param>
/// <param name="Faults">What is wrong in any case. Both lists have at most <see cref="CN2.Network.Resources.Limits.Faults"/> items.</param>
public sealed record CheckedObject(JsonObject Object, IReadOnlyList<string> Unknown, IReadOnlyList<ObjectFault> Faults);

namespace CN2.Api.Kubernetes.Patches;

/// <summary>A field that an apply would change and that another manager owns.</summary>
/// <param name="Field">Its path, such as <c>.spec.ports[port=80,protocol="TCP"].name</c>: the field of the cause.</param>
/// <param name="Owner">Who owns it: name, operation, apiVersion and subresource.</param>
public sealed record FieldConflict(string Field, ManagedFieldsEntry Owner)
{
    /// <summary>The reason of the cause in the Status.</summary>
    public const string CauseReason = "FieldManagerConflict";

    /// <summary>The message of the cause in the Status.</summary>
    public string CauseMessage => $"conflict with {OwnerText}";

    private string OwnerText
    {
        get
        {
            var text = Scalar.Quote(Owner.Manager, forHtml: false);
            if (Owner.Subresource.Length > 0) text += $" with subresource {Scalar.Quote(Owner.Subresource, forHtml: false)}";
            return Owner.Operation == ManagedFieldsOperation.Update ? $"{text} using {Owner.ApiVersion}" : text;
        }
    }

    internal static string Describe(IReadOnlyList<FieldConflict> conflicts)
    {
        if (conflicts.Count == 1) return $"Apply failed with 1 conflict: conflict with {conflicts[0].OwnerText}: {conflicts[0].Field}";
        var lines = conflicts.GroupBy(c => c.OwnerText, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .SelectMany(g => g.Select(c => $"- {c.Field}").Prepend($"conflicts with {g.Key}:"));
        return $"Apply failed with {conflicts.Count} conflicts: {string.Join('\n', lines)}";
    }
}

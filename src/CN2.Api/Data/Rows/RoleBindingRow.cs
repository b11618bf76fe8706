namespace CN2.Api.Data.Rows;

/// <summary>Gives a role to subjects.</summary>
public sealed class RoleBindingRow : ResourceRow
{
    /// <summary>JSON: <c>[{"kind": "User", "name": "alice"}]</c>.</summary>
    public required string Subjects { get; set; }

    /// <summary>viewer, editor, operator or admin.</summary>
    public required string Role { get; set; }

    /// <summary><c>*</c> alone stands for all.</summary>
    public required string[] Namespaces { get; set; }
}

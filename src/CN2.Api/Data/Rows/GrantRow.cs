namespace CN2.Api.Data.Rows;

/// <summary>Tables <c>namespace_grant</c> and <c>grant_use</c>; a namespace has one grant or none.</summary>
public sealed class GrantRow : NamespacedRow
{
    /// <summary>Every grant has this name.</summary>
    public const string OnlyName = "grant";

    /// <summary>JSON of <see cref="Documents.GrantSpec"/>.</summary>
    public required string Spec { get; set; }

    /// <summary>How much of each resource the namespace may have; null: any number.</summary>
    public UseOf<int?> Quota { get; set; } = new(null, null, null, null, null);

    /// <summary>How much it has.</summary>
    public UseOf<long> Used { get; set; } = new(0, 0, 0, 0, 0);
}

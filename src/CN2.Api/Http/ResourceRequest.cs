using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;
using CN2.Api.Json;
using CN2.Network.Resources;

namespace CN2.Api.Http;

/// <summary>
/// What every resource's body begins with. Members that only the server sets are accepted and ignored, so that GET → edit → PUT
/// works; any other unknown member is a fault. Derived records hold nullable members as they came; defaults are filled in where the
/// spec is made of them.
/// </summary>
public abstract record ResourceRequest
{
    /// <summary>Accepted and ignored on input (docs/contract.md §2).</summary>
    public static readonly FrozenSet<string> ReadOnlyMembers =
        FrozenSet.Create(StringComparer.Ordinal, "uid", "generation", "createdAt", "updatedAt", "status", "kind", "portMapping", "service", "namespace");

    /// <summary>A DNS-1123 label of at most 63 characters. In PUT and PATCH it may be left out; a name that differs from the path is refused.</summary>
    [JsonPropertyOrder(-30)]
    [AtMost(Limits.Reference)]
    public string? Name { get; set; }

    /// <summary>The name comes from the path, so the resource may exist already.</summary>
    [JsonIgnore]
    internal bool NameOfPath { get; set; }

    /// <summary>The uid of the object of the Kubernetes API that this completes; null: the resource gets a new one.</summary>
    [JsonIgnore]
    internal Guid? KnownUid { get; set; }

    /// <summary>Somebody who is no operator has asked for a part of it before, so that the rights of this caller are not enough.</summary>
    [JsonIgnore]
    internal bool IsAskedByEditors { get; set; }

    /// <summary>The members that a patch names; null: the request is no patch.</summary>
    [JsonIgnore]
    internal IReadOnlySet<string>? Patched { get; set; }

    /// <summary>The product makes some of this kind itself, with names up to 253 characters.</summary>
    [JsonIgnore]
    internal virtual bool MayHaveLongName => false;

    /// <summary>Labels, which selectors select by; in the syntax of Kubernetes.</summary>
    [JsonPropertyOrder(-20)]
    [AtMost(Limits.Labels)]
    public Dictionary<string, string>? Labels { get; set; }

    /// <summary>Free text that is stored with the resource; 16 KiB for one value, 64 KiB in total.</summary>
    [JsonPropertyOrder(-19)]
    [AtMost(Limits.Annotations)]
    public Dictionary<string, string>? Annotations { get; set; }

    /// <summary>
    /// A patch leaves this member as it is stored. What was stored before a limit existed (<see cref="Limits"/>) may stay so; who sends it must keep to
    /// the limit.
    /// </summary>
    internal bool IsAsStored(string member) => Patched?.Contains(member) == false;

    /// <summary>Members that are not part of the request; <see cref="RequestValidation"/> refuses those that are not read-only ones.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

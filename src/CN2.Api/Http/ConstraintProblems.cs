using Npgsql;

namespace CN2.Api.Http;

/// <summary>
/// The problem for each constraint of the database, by the constraint's name, never by a message. A decision that can say more (which
/// FloatingIP holds the address) reads first and answers itself, so constraints are violated only in races.
/// </summary>
public static class ConstraintProblems
{
    /// <summary>True: the constraint makes (kind, namespace, name) unique.</summary>
    public static bool IsIdentity(string? constraint) =>
        constraint is "ak_namespaces_name" or "api_token_name" or "role_binding_name"
        || (constraint is not null && constraint.StartsWith("ix_", StringComparison.Ordinal)
            && (constraint.EndsWith("_namespace_name", StringComparison.Ordinal) || constraint is "ix_virtual_router_name" or "ix_bgp_router_name" or "ix_external_network_selector_name"));

    /// <summary>Such as <c>Service ns1/web</c>. The name comes from the request, because a constraint does not name the row.</summary>
    private static string Named(string constraint, HttpContext http)
    {
        var kind = constraint switch
        {
            "ak_namespaces_name" => "Namespace",
            "role_binding_name" => "RoleBinding",
            "api_token_name" => "Token",
            "ix_external_network_namespace_name" => "ExternalNetwork",
            "ix_external_network_selector_name" => "ExternalNetworkSelector",
            "ix_service_namespace_name" => "Service",
            "ix_floating_ip_namespace_name" => "FloatingIP",
            "ix_virtual_machine_interface_namespace_name" => "VirtualMachineInterface",
            "ix_virtual_router_name" => "VirtualRouter",
            "ix_bgp_router_name" => "BgpRouter",
            "ix_service_health_check_namespace_name" => "ServiceHealthCheck",
            _ => null,
        };
        if (kind is null || RequestFindings.Of(http).Name is not { } name) return "A resource of this name";
        return http.GetRouteValue("ns") is string ns ? $"{kind} {ns}/{name}" : $"{kind} {name}";
    }

    /// <summary>The database says the namespace in the place of the table, what is counted in that of the column, and in the hint used, limit and asked.</summary>
    private static ApiProblem QuotaExceeded(PostgresException error)
    {
        var numbers = (error.Hint ?? "").Split(' ').Select(n => long.TryParse(n, out var number) ? number : 0).ToArray();
        return ApiProblem.QuotaExceeded(error.TableName ?? "", error.ColumnName ?? "", numbers.ElementAtOrDefault(0), numbers.ElementAtOrDefault(1), numbers.ElementAtOrDefault(2));
    }

    private static FaultList FaultOf(string path, string message)
    {
        var faults = new FaultList();
        faults.Add(path, message);
        return faults;
    }

    /// <summary>The problem for a violation; null when no request can cause it.</summary>
    public static ApiProblem? For(PostgresException error, HttpContext http)
    {
        switch (error.SqlState)
        {
            case PostgresErrorCodes.UntranslatableCharacter or PostgresErrorCodes.CharacterNotInRepertoire or "22P05":
                return ApiProblem.Validation("$", "contains a character that cannot be stored");
            case PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected:
                return ApiProblem.Unavailable() with { Detail = "Many writers at once for one resource; nothing was changed, try again." };
        }

        var constraint = error.ConstraintName;
        if (constraint is null) return null;
        if (constraint == "api_token_name") return ApiProblem.TokenExists(Named(constraint, http));
        if (IsIdentity(constraint)) return ApiProblem.AlreadyExists(Named(constraint, http));
        if (error.SqlState == PostgresErrorCodes.ForeignKeyViolation && constraint.EndsWith("_namespace_namespace", StringComparison.Ordinal))
            return ApiProblem.NotFound($"Namespace {http.GetRouteValue("ns") ?? http.GetRouteValue("name")}");
        return constraint switch
        {
            "namespace_is_not_being_deleted" => ApiProblem.BeingDeleted($"Namespace {http.GetRouteValue("ns") ?? http.GetRouteValue("name")}"),
            "grant_overlap" => ApiProblem.GrantOverlap("A prefix overlaps one that another namespace is granted; a prefix is granted to one namespace only."),
            "grant_quota" => QuotaExceeded(error),
            "endpoint_is_granted" => ApiProblem.NotGranted(FaultOf("addresses", $"{error.ColumnName} is outside of the endpointPrefixes that Namespace {error.TableName} is granted: {(error.Hint is { Length: > 0 } granted ? granted : "none")}")),
            "subnet_overlap" => ApiProblem.SubnetOverlap("A subnet overlaps one of another network that shares its routing table."),
            "floating_ip_address" => ApiProblem.AddressInUse("The address is held by another FloatingIP."),
            // The database's sentence begins with the address and says whose it is.
            "floating_ip_is_no_endpoint" => ApiProblem.AddressInUse($"{error.MessageText}; use another address, or delete what has it."),
            "floating_ip_is_no_cluster_ip" => ApiProblem.AddressInUse($"{error.MessageText}, from which cluster IPs are given; use another address."),
            "endpoint_is_no_infrastructure_address" => ApiProblem.InfrastructureAddress($"{error.MessageText}; give the endpoint another address."),
            "endpoint_is_no_cluster_ip" => ApiProblem.AddressInUse($"{error.MessageText}, from which cluster IPs are given; give the endpoint another address."),
            "endpoint_is_no_floating_ip" => ApiProblem.AddressInUse($"{error.MessageText}; give the endpoint another address, or delete what holds it."),
            "floating_ip_is_no_infrastructure_address" => ApiProblem.InfrastructureAddress("The address is that of a VirtualRouter, a BgpRouter, a control node or the database server; ask for another address."),
            "infrastructure_address_is_no_floating_ip" => ApiProblem.AddressInUse($"{error.MessageText}; use another address, or delete what holds it."),
            "floating_ip_inside_subnet" => ApiProblem.AddressOutOfRange("address", "The address lies in no subnet of the network."),
            "floating_ip_subnet" => ApiProblem.InUse("A subnet", ["FloatingIPs that hold its addresses"]),
            "pk_node_port" => ApiProblem.NodePortInUse("The node port is held by another Service."),
            "pod_has_its_name_alone" => ApiProblem.AlreadyExists(error.MessageText),
            "interface_address_once" => ApiProblem.AddressInUse("The address is used by another VirtualMachineInterface on the same VirtualRouter."),
            "virtual_router_address" => ApiProblem.AddressInUse("The address belongs to another VirtualRouter."),
            "bgp_router_address" => ApiProblem.AddressInUse("The address belongs to another BgpRouter."),
            "external_network_number_range" or "ix_external_network_number" => ApiProblem.Unavailable() with { Detail = "Two networks were created at once; try again." },
            _ when error.SqlState == PostgresErrorCodes.ForeignKeyViolation => ApiProblem.InUse("The resource", ["another resource"]),
            _ => null,
        };
    }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

extension ServiceTests {
    /// openapi.yaml against the code.
    @Suite struct OpenAPITests {
        @Test func operationsTakeTheParametersThatAreDocumented() async throws {
            try await TestService.run { client in
                let document = try await client.get("/openapi.json").json
                let components = try #require(document["components"] as? [String: Any])
                let shared = try #require(components["parameters"] as? [String: [String: Any]])
                let paths = try #require(document["paths"] as? [String: [String: Any]])
                for operation in ["encode", "decode", "spectrum", "classify"] {
                    let post = try #require(paths["/" + operation]?["post"] as? [String: Any])
                    let parameters = try #require(post["parameters"] as? [[String: Any]])
                    let documented = try parameters.map { parameter in
                        guard let reference = parameter["$ref"] as? String else { return parameter }
                        return try #require(shared[String(reference.split(separator: "/").last ?? "")])
                    }
                    let names = documented.compactMap { $0["in"] as? String == "query" ? $0["name"] as? String : nil }
                    let refusal = try await client.post("/\(operation)?no_such_parameter=1", [1])
                    #expect(refusal.slug == "unknown-parameter")
                    let allowed = try #require(refusal.json["allowed"] as? [String])
                    #expect(Set(names) == Set(allowed), "\(operation)")
                    #expect(names.count == allowed.count, "\(operation)")
                }
            }
        }
    }
}
